// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "upgrade/preflight.h"

static int swap_load(const struct upgrade_target *target, const char *object, int *ret_fd,
		     struct error *err)
{
	return dataplane_load(target->dataplane, object, target->model, target->features, ret_fd,
			      err);
}

/* What is proven is a copy, and the draft then: whoever writes to @object meanwhile. */
static int swap_prove(const struct upgrade_place *place, const struct upgrade_target *target,
		      const char *object, int *ret_fd, struct error *err)
{
	struct preflight *own = NULL;
	int rc = 0;

	if (!target->proof) {
		rc = preflight_open(place, target, object, UPGRADE_KEPT_DRAFT, &own, err);
		if (!rc)
			preflight_run(own);
	}
	if (!rc)
		rc = preflight_take(own ? own : target->proof, target, ret_fd, err);
	preflight_close(own);
	return rc == -ENOENT ? rc : rc ? error_prefix(err, rc, "%s", object) : 0;
}

int upgrade_load(const struct upgrade_place *place, const struct upgrade_target *target,
		 int *ret_fd, struct error *err)
{
	struct upgrade_target plain = *target;
	char running[UPGRADE_PATH_MAX];
	int rc;

	plain.proof = NULL;
	kept_path(place, UPGRADE_KEPT_RUNNING, running);
	if (!access(running, R_OK) && !swap_load(target, running, ret_fd, err))
		return 0;
	rc = swap_prove(place, &plain, place->installed, ret_fd, err);
	if (rc)
		return rc;
	rc = kept_advance(place, UPGRADE_KEPT_DRAFT, false, err);
	if (rc)
		dataplane_unload(target->dataplane, *ret_fd);
	return rc;
}

enum upgrade_kept upgrade_which_runs(const struct dataplane *dataplane)
{
	struct dataplane_split split;

	return dataplane_split(dataplane, &split) && split.swapped ? UPGRADE_KEPT_CANDIDATE
								   : UPGRADE_KEPT_RUNNING;
}

int upgrade_load_beside(const struct upgrade_place *place, const struct upgrade_target *target,
			int *ret_fd, struct error *err)
{
	char running[UPGRADE_PATH_MAX];
	int rc;

	kept_path(place, upgrade_which_runs(target->dataplane), running);
	if (!access(running, R_OK))
		return swap_load(target, running, ret_fd, err);
	rc = error_errno(err, -errno, "the object of the running packet path, %s", running);
	error_hint(err, "lbctl upgrade loads the installed one, and keeps it");
	return rc;
}

int upgrade_swap(const struct upgrade_place *place, const struct upgrade_target *target,
		 const char *object, struct error *err)
{
	int fd, rc;

	rc = swap_prove(place, target, object ? object : place->installed, &fd, err);
	if (rc)
		return rc;
	rc = dataplane_swap(target->dataplane, fd, err);
	close(fd);
	return rc ? rc : kept_advance(place, UPGRADE_KEPT_DRAFT, true, err);
}

int upgrade_try(const struct upgrade_place *place, const struct upgrade_target *target,
		const char *object, const struct upgrade_trial *trial, struct error *err)
{
	struct dataplane_split_plan plan = {
		.object = place->splitter,
		.share = trial->share,
		.swapped = trial->swapped,
		.patience_ms = trial->patience_ms,
		.services_count = trial->services_count,
		.watched = trial->watched,
		.watched_count = trial->watched_count,
	};
	int rc;

	memcpy(plan.services, trial->services, sizeof(plan.services));
	rc = swap_prove(place, target, object ? object : place->installed, &plan.candidate, err);
	if (rc)
		return rc;
	rc = kept_move(place, UPGRADE_KEPT_DRAFT, UPGRADE_KEPT_CANDIDATE, err);
	if (!rc)
		rc = dataplane_split_begin(target->dataplane, &plan, err);
	close(plan.candidate);
	if (rc)
		kept_remove(place, UPGRADE_KEPT_CANDIDATE);
	return rc;
}

int upgrade_promote(const struct upgrade_place *place, struct dataplane *dataplane,
		    struct error *err)
{
	int rc = dataplane_split_promote(dataplane, err);

	return rc ? rc : kept_advance(place, UPGRADE_KEPT_CANDIDATE, true, err);
}

int upgrade_abort(const struct upgrade_place *place, struct dataplane *dataplane, bool keep,
		  struct error *err)
{
	int rc = dataplane_split_abort(dataplane, keep, err);

	if (rc)
		return rc;
	if (keep)
		return kept_move(place, UPGRADE_KEPT_CANDIDATE, UPGRADE_KEPT_PREVIOUS, err);
	kept_remove(place, UPGRADE_KEPT_CANDIDATE);
	return 0;
}

/* The previous slot was specialised for another config: load its object again. */
static int swap_reload_previous(const struct upgrade_place *place,
				const struct upgrade_target *target, struct error *err)
{
	char previous[UPGRADE_PATH_MAX];
	int fd, rc;

	kept_path(place, UPGRADE_KEPT_PREVIOUS, previous);
	rc = swap_load(target, previous, &fd, err);
	if (rc) {
		error_prefix(err, rc, "the previous generation is of an older config");
		error_hint(err, "lbctl upgrade OBJECT loads an older object for this config");
		return rc;
	}
	rc = dataplane_swap(target->dataplane, fd, err);
	close(fd);
	return rc;
}

int upgrade_rollback(const struct upgrade_place *place, const struct upgrade_target *target,
		     struct error *err)
{
	struct dataplane_generation previous;
	char kept[UPGRADE_PATH_MAX];
	int rc;

	rc = dataplane_generation(target->dataplane, LBD_GENERATION_PREVIOUS, &previous);
	if (rc)
		return error_errno(err, rc, "query the previous generation");
	/* A move to other maps leaves the slot empty: the program that was in it is of the old ones. */
	if (!previous.prog_id && access(kept_path(place, UPGRADE_KEPT_PREVIOUS, kept), R_OK))
		rc = dataplane_rollback(target->dataplane, err);
	else if (dataplane_fits(target->dataplane, LBD_GENERATION_PREVIOUS, target->model,
				target->features))
		rc = dataplane_rollback(target->dataplane, err);
	else
		rc = swap_reload_previous(place, target, err);
	if (!rc)
		kept_exchange(place);
	return rc;
}
