// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/preflight.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

/* The event loop waits meanwhile: some thousand packets take a tenth of it on an idle machine. */
#define PREFLIGHT_REPLAY_MS 500

struct preflight {
	const struct upgrade_place *place;
	const struct upgrade_target *target;
	const char *object;
	struct preflight_report *report;
	bool proven; /* it is what runs, and went through all of this when it came */
	int fd;
};

static int preflight_maps(struct preflight *preflight, struct error *err)
{
	struct preflight_report *report = preflight->report;

	return dataplane_compare(preflight->target->dataplane, preflight->object, report->maps,
				 &report->maps_count, err);
}

static int preflight_golden(struct preflight *preflight, struct error *err)
{
	return golden_try(preflight->object, preflight->target->features & LBD_FEATURE_NAT, err);
}

static int preflight_verifier(struct preflight *preflight, struct error *err)
{
	const struct upgrade_target *target = preflight->target;
	struct preflight_report *report = preflight->report;
	int rc;

	rc = dataplane_load(target->dataplane, preflight->object, target->model, target->features,
			    &preflight->fd, err);
	if (!rc)
		dataplane_inspect(target->dataplane, preflight->fd, &report->new);
	return rc;
}

/* Without an old one, as at the first start, there is nothing that could fare otherwise. */
static int preflight_replay(struct preflight *preflight, struct error *err)
{
	const struct upgrade_target *target = preflight->target;
	const struct replay replay = { target->dataplane, target->model, target->ifindex,
				       target->features, PREFLIGHT_REPLAY_MS };
	char running[UPGRADE_PATH_MAX];
	int rc;

	if (!preflight->report->old.generation.prog_id)
		return error_set(err, -ENODATA, "no packet path runs yet");
	kept_path(preflight->place, UPGRADE_KEPT_RUNNING, running);
	rc = replay_run(&replay, running, preflight->object, &preflight->report->replay, err);
	if (rc == -EBADMSG)
		error_hint(err, "lbctl upgrade --check OBJECT lists them; --force takes it so");
	return rc;
}

static int (*const preflight_steps[PREFLIGHT_STEP_COUNT])(struct preflight *preflight,
							  struct error *err) = {
#define X(constant, name, what) preflight_##name,
	PREFLIGHT_STEPS(X)
#undef X
};

static int64_t preflight_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* What a step's answer means. Only what the replay finds may be overruled. */
static enum preflight_verdict preflight_judge(const struct preflight *preflight,
					      enum preflight_step step, int rc)
{
	if (!rc)
		return PREFLIGHT_PASSED;
	if (step == PREFLIGHT_REPLAY && rc == -ENODATA)
		return PREFLIGHT_SKIPPED;
	return step == PREFLIGHT_REPLAY && rc == -EBADMSG && preflight->target->force
		       ? PREFLIGHT_FORCED
		       : PREFLIGHT_REFUSED;
}

/* Loading what runs once more needs no test packets. */
static bool preflight_spares(const struct preflight *preflight, enum preflight_step step)
{
	return preflight->proven && (step == PREFLIGHT_GOLDEN || step == PREFLIGHT_REPLAY);
}

static int preflight_do(struct preflight *preflight, enum preflight_step step, struct error *err)
{
	struct preflight_result *result = &preflight->report->steps[step];
	const int64_t began_us = preflight_now_us();
	struct error own = { 0 };
	int rc = preflight_steps[step](preflight, &own);

	result->took_us = (uint32_t)(preflight_now_us() - began_us);
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

static int preflight_run(struct preflight *preflight, int *ret_fd, struct error *err)
{
	struct dataplane *dataplane = preflight->target->dataplane;
	int rc = 0;

	memset(preflight->report, 0, sizeof(*preflight->report));
	preflight->fd = -1;
	dataplane_inspect(dataplane, -1, &preflight->report->old);
	for (int step = 0; step < PREFLIGHT_STEP_COUNT && !rc; step++)
		if (preflight_spares(preflight, (enum preflight_step)step))
			preflight->report->steps[step].verdict = PREFLIGHT_SKIPPED;
		else
			rc = preflight_do(preflight, (enum preflight_step)step, err);
	if (!rc)
		*ret_fd = preflight->fd;
	else if (preflight->fd >= 0)
		dataplane_unload(dataplane, preflight->fd);
	return rc;
}

int preflight_prove(const struct upgrade_place *place, const struct upgrade_target *target,
		    const char *object, int *ret_fd, struct error *err)
{
	struct preflight preflight = {
		.place = place,
		.target = target,
		.object = object,
		.report = malloc(sizeof(struct preflight_report)),
		.proven = kept_is(place, UPGRADE_KEPT_RUNNING, object),
	};
	int rc;

	if (!preflight.report)
		return error_set(err, -ENOMEM, "out of memory");
	rc = preflight_run(&preflight, ret_fd, err);
	free(preflight.report);
	return rc;
}

int upgrade_check(const struct upgrade_place *place, const struct upgrade_target *target,
		  const char *object, struct preflight_report *ret, struct error *err)
{
	struct preflight preflight = { .place = place, .target = target, .report = ret };
	char draft[UPGRADE_PATH_MAX];
	int fd, rc;

	rc = kept_copy(place, object ? object : place->installed, err);
	if (rc)
		return rc;
	preflight.object = kept_path(place, UPGRADE_KEPT_DRAFT, draft);
	if (!preflight_run(&preflight, &fd, NULL))
		dataplane_unload(target->dataplane, fd);
	unlink(draft);
	return 0;
}
