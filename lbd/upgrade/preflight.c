// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"

#define PREFLIGHT_REPLAY_MS 2000

struct preflight {
	struct upgrade_place place;
	struct upgrade_target target; /* a second hold on the data plane, and a model of our own */
	struct dataplane *entered;    /* such a hold with the stages in use */
	struct model *model;
	enum upgrade_kept file; /* the copy that is proven */
	char object[UPGRADE_PATH_MAX];
	int running; /* the object of what runs, whatever its file is called by now; or -1 */
	char running_path[64];
	uint32_t bank;
	bool proven; /* it is what runs, and went through all of this when it came */
	bool taken;
	struct dataplane_prepared *prepared;
	struct preflight_report *report;
	int rc;
	struct error err;
};

static int preflight_maps(struct preflight *preflight, struct error *err)
{
	struct preflight_report *report = preflight->report;

	return dataplane_compare(preflight->target.dataplane, preflight->object, report->maps,
				 &report->maps_count, err);
}

static int preflight_golden(struct preflight *preflight, struct error *err)
{
	return golden_try(preflight->object, preflight->target.features & LBD_FEATURE_NAT, err);
}

static int preflight_verifier(struct preflight *preflight, struct error *err)
{
	int rc = dataplane_prepare(preflight->entered, preflight->object, preflight->model,
				   preflight->target.features, preflight->bank,
				   &preflight->prepared, err);

	if (!rc)
		dataplane_inspect_prepared(preflight->prepared, &preflight->report->new);
	return rc;
}

typedef int (*preflight_replayer)(const struct replay *, const char *, const char *,
				  struct replay_report *, struct error *);

/* Without an old one, as at the first start, there is nothing that could fare otherwise. */
static int preflight_compare(struct preflight *preflight, preflight_replayer run,
			     struct replay_report *ret, struct error *err)
{
	const struct upgrade_target *target = &preflight->target;
	const struct replay replay = { target->dataplane, target->model, target->ifindex,
				       target->features, PREFLIGHT_REPLAY_MS };
	int rc;

	if (!preflight->report->old.generation.prog_id)
		return error_set(err, -ENODATA, "no packet path runs yet");
	if (preflight->running < 0)
		return error_set(err, -ENODATA, "the object of what runs isn't kept");
	rc = run(&replay, preflight->running_path, preflight->object, ret, err);
	if (rc == -EBADMSG)
		error_hint(err, "lbctl upgrade --check OBJECT lists them; --force takes it so");
	return rc;
}

static int preflight_replay(struct preflight *preflight, struct error *err)
{
	return preflight_compare(preflight, replay_run, &preflight->report->replay, err);
}

static int preflight_apart(struct preflight *preflight, struct error *err)
{
	return preflight_compare(preflight, replay_run_apart, &preflight->report->apart, err);
}

static int (*const preflight_steps[PREFLIGHT_STEP_COUNT])(struct preflight *preflight,
							  struct error *err) = {
#define X(constant, name, what) preflight_##name,
	PREFLIGHT_STEPS(X)
#undef X
};

static bool preflight_is_replay(enum preflight_step step)
{
	return step == PREFLIGHT_REPLAY || step == PREFLIGHT_APART;
}

/* What a step's answer means. Only what a replay finds may be overruled. */
static enum preflight_verdict preflight_judge(const struct preflight *preflight,
					      enum preflight_step step, int rc)
{
	if (!rc)
		return PREFLIGHT_PASSED;
	if (preflight_is_replay(step) && rc == -ENODATA)
		return PREFLIGHT_SKIPPED;
	return preflight_is_replay(step) && rc == -EBADMSG && preflight->target.force
		       ? PREFLIGHT_FORCED
		       : PREFLIGHT_REFUSED;
}

/* Loading what runs once more needs no test packets. */
static bool preflight_spares(const struct preflight *preflight, enum preflight_step step)
{
	return preflight->proven && (step == PREFLIGHT_GOLDEN || preflight_is_replay(step));
}

static int preflight_do(struct preflight *preflight, enum preflight_step step, struct error *err)
{
	struct preflight_result *result = &preflight->report->steps[step];
	const int64_t began_us = monotonic_us();
	struct error own = { 0 };
	int rc = preflight_steps[step](preflight, &own);

	result->took_us = (uint32_t)(monotonic_us() - began_us);
	result->verdict = preflight_judge(preflight, step, rc);
	snprintf(result->text, sizeof(result->text), "%.1000s", own.text);
	if (result->verdict == PREFLIGHT_FORCED)
		log_warning("upgrade, taken by force: %s", own.text);
	if (result->verdict == PREFLIGHT_SKIPPED && preflight->report->old.generation.prog_id)
		log_info("upgrade without a replay: %s", own.text);
	if (result->verdict != PREFLIGHT_REFUSED)
		return 0;
	if (err)
		*err = own;
	return rc;
}

void preflight_run(struct preflight *preflight)
{
	preflight->proven =
		!preflight->target.full && kept_is(preflight->running_path, preflight->object);
	for (int step = 0; step < PREFLIGHT_STEP_COUNT && !preflight->rc; step++)
		if (preflight_spares(preflight, (enum preflight_step)step))
			preflight->report->steps[step].verdict = PREFLIGHT_SKIPPED;
		else
			preflight->rc =
				preflight_do(preflight, (enum preflight_step)step, &preflight->err);
}

static int preflight_hold(struct preflight *preflight, const struct upgrade_target *target,
			  struct error *err)
{
	struct dataplane *dataplane = target->dataplane;
	int rc;

	preflight->target = *target;
	preflight->target.proof = NULL;
	preflight->target.dataplane = NULL;
	preflight->model = model_copy(target->model);
	preflight->target.model = preflight->model;
	preflight->report = calloc(1, sizeof(*preflight->report));
	if (!preflight->model || !preflight->report)
		return error_set(err, -ENOMEM, "out of memory");
	dataplane_inspect(dataplane, -1, &preflight->report->old);
	preflight->bank = dataplane_choose_bank(dataplane);
	rc = dataplane_open_beside(dataplane, true, &preflight->target.dataplane, err);
	if (!rc)
		rc = dataplane_open_beside(dataplane, false, &preflight->entered, err);
	return rc;
}

static void preflight_open_running(struct preflight *preflight, const struct dataplane *dataplane)
{
	char path[UPGRADE_PATH_MAX];

	kept_path(&preflight->place, upgrade_which_runs(dataplane), path);
	preflight->running = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(preflight->running_path, sizeof(preflight->running_path), "/proc/self/fd/%d",
		 preflight->running);
}

int preflight_open(const struct upgrade_place *place, const struct upgrade_target *target,
		   const char *object, enum upgrade_kept file, struct preflight **ret,
		   struct error *err)
{
	struct preflight *preflight = calloc(1, sizeof(*preflight));
	int rc;

	if (!preflight)
		return error_set(err, -ENOMEM, "out of memory");
	preflight->place = *place;
	preflight->file = file;
	kept_path(place, file, preflight->object);
	preflight_open_running(preflight, target->dataplane);
	rc = kept_copy(place, object, file, err);
	if (!rc)
		rc = preflight_hold(preflight, target, err);
	if (rc) {
		preflight_close(preflight);
		return rc;
	}
	*ret = preflight;
	return 0;
}

/*
 * What was refused while the config came to need other features may have been refused for the
 * change: packets were asked before it and after. That says nothing of either.
 */
static int preflight_refused(const struct preflight *preflight, const struct upgrade_target *target,
			     struct error *err)
{
	if (preflight->rc == -EBADMSG && preflight->target.features != target->features)
		return error_set(err, -ESTALE, "the config changed while packets were tried: %s",
				 preflight->err.text);
	if (err)
		*err = preflight->err;
	return preflight->rc;
}

/* Has anything changed that it was proven for, or beside? Numbers of programs change with refits. */
static int preflight_holds(const struct preflight *preflight, const struct upgrade_target *target,
			   struct error *err)
{
	const struct dataplane_generation *then = &preflight->report->old.generation;
	struct dataplane_generation now = { 0 };

	dataplane_generation(target->dataplane, LBD_GENERATION_RUNNING, &now);
	if (strcmp(now.tag, then->tag) != 0)
		return error_set(err, -ESTALE,
				 "another packet path runs than it was proven beside");
	if (!dataplane_prepared_fits(target->dataplane, preflight->prepared, target->model,
				     target->features))
		return error_set(err, -ESTALE, "the config needs another shape than was proven");
	return 0;
}

int preflight_take(struct preflight *preflight, const struct upgrade_target *target, int *ret_fd,
		   struct error *err)
{
	int rc;

	if (preflight->rc)
		return preflight_refused(preflight, target, err);
	rc = preflight_holds(preflight, target, err);
	if (!rc)
		rc = dataplane_enter(target->dataplane, preflight->prepared, ret_fd, err);
	if (rc)
		return rc;
	rc = kept_move(&preflight->place, preflight->file, UPGRADE_KEPT_DRAFT, err);
	if (rc)
		dataplane_unload(target->dataplane, *ret_fd);
	preflight->taken = !rc;
	return rc;
}

const struct preflight_report *preflight_found(const struct preflight *preflight)
{
	return preflight->report;
}

void preflight_close(struct preflight *preflight)
{
	if (!preflight)
		return;
	if (!preflight->taken)
		unlink(preflight->object);
	if (preflight->running >= 0)
		close(preflight->running);
	dataplane_discard(preflight->prepared);
	dataplane_close(preflight->entered);
	dataplane_close(preflight->target.dataplane);
	model_free(preflight->model);
	free(preflight->report);
	free(preflight);
}
