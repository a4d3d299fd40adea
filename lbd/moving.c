// SPDX-License-Identifier: GPL-2.0-or-later
#include "moving.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "lbd.h"

void moving_begin(struct lbd_moving *moving, const struct lbd *lbd, const struct lbd_limits *to)
{
	*moving = (struct lbd_moving){
		.migrated = { .from = *dataplane_limits(lbd->dataplane), .to = *to },
		.prog_fd = -1,
	};
	next_memory(lbd->dataplane, to, &moving->migrated.memory);
}

/*
 * A bank of stages that a program in use is of stays. The others would hold the
 * new maps for ever: lbd_generations is of both sets.
 */
static void moving_unload(struct lbd_moving *moving)
{
	if (moving->prog_fd >= 0)
		dataplane_unload(next_to(moving->next), moving->prog_fd);
	moving->prog_fd = -1;
}

void moving_end(struct lbd_moving *moving)
{
	moving_unload(moving);
	next_close(moving->next);
	moving->next = NULL;
}

int moving_check_maps_free(const struct lbd *lbd, struct error *err)
{
	if (!lbd->proving.worker)
		return 0;
	return error_set(err, -EBUSY, "%s is being tried: ask again once that is done",
			 lbd->proving.object);
}

int moving_enter(struct lbd *lbd, struct lbd_moving *moving, const struct model *model,
		 struct error *err)
{
	int rc = dataplane_commit(next_to(moving->next), model, err);

	if (!rc)
		next_follow(moving->next, model, lbd_model_features(lbd, model));
	return rc;
}

int moving_check_room(const struct next_figures *figures, struct error *err)
{
	if (!figures->live && !figures->clients)
		return 0;
	error_set(err, -ENOSPC,
		  "limits: %llu live connections and %llu clients of sticky services would find "
		  "no room",
		  (unsigned long long)figures->live, (unsigned long long)figures->clients);
	error_hint(err,
		   "choose larger limits, or accept that they break: lbctl resize ... --evict");
	return -ENOSPC;
}

int moving_commit(struct lbd *lbd, struct lbd_moving *moving, struct error *err)
{
	moving->target = lbd_target(lbd);
	moving->target.dataplane = next_to(moving->next);
	moving->commits = lbd->commits;
	lbd_own_macs(lbd);
	next_follow(moving->next, lbd->model, moving->target.features);
	return dataplane_commit(next_to(moving->next), lbd->model, err);
}

int moving_load(const struct lbd *lbd, struct lbd_moving *moving, struct error *err)
{
	const struct upgrade_place place = lbd_place(lbd);

	moving_unload(moving);
	return upgrade_load(&place, &moving->target, &moving->prog_fd, err);
}

/* Its peers needn't be told all again (sync_stop). */
void moving_pause(struct lbd *lbd, struct lbd_moving *moving)
{
	struct sync *sync = lbd->sync;

	moving->paused_us = monotonic_us();
	lbd->sync = NULL;
	if (lbd->ha)
		ha_set_cluster(lbd->ha, lbd->config, NULL);
	sync_stop(sync);
}

/* Nothing but a config that is applied tries again. */
static void moving_resume_sync(struct lbd *lbd)
{
	struct error err = { 0 };

	if (lbd_start_cluster(lbd, lbd->config, &err)) {
		error_hint(&err, "mend it, then: lbctl reload");
		log_report("sync doesn't go on after the tables have moved: no peer is told of "
			   "connections",
			   &err);
	}
	if (lbd->sync && sync_set_dictionary(lbd->sync, lbd->model))
		log_error("sync doesn't follow the change: out of memory");
	ha_set_cluster(lbd->ha, lbd->config, lbd->sync);
}

void moving_resume(struct lbd *lbd, struct lbd_moving *moving)
{
	/* While lbd starts, sync hasn't begun yet. */
	if (lbd->ha)
		moving_resume_sync(lbd);
	moving->migrated.pause_us = (uint32_t)(monotonic_us() - moving->paused_us);
}

/* Whoever holds the old set, or something in it. */
void moving_exchange(struct lbd *lbd, struct lbd_moving *moving)
{
	struct dataplane *to = next_to(moving->next);

	next_serve(moving->next);
	lbd_trace_end(lbd);
	moving->from = lbd->dataplane;
	lbd->dataplane = to;
	lbd->commits++;
	if (fragments_move(lbd->fragments, to)) {
		log_error("fragments that come before their first are dropped: no thread");
		fragments_stop(lbd->fragments);
		lbd->fragments = NULL;
	}
}

void moving_finish(struct lbd *lbd, struct lbd_moving *moving)
{
	struct error err = { 0 };

	if (next_promote(moving->next, &err))
		log_report("the next start puts the pins in order", &err);
	moving_end(moving);
	dataplane_close(moving->from);
	moving->migrated.ended_at = time(NULL);
	lbd->migrated = moving->migrated;
}

void moving_tell(const struct lbd_migrated *migrated)
{
	char text[DATAPLANE_LIMITS_TEXT];

	log_info("the tables have moved, %s: %llu connections, %llu live and %llu idle ones left "
		 "out; %u ms of copying, %u ms without sync, the longest step took %u ms",
		 dataplane_format_change(&migrated->from, &migrated->to, text),
		 (unsigned long long)migrated->figures.entries,
		 (unsigned long long)migrated->figures.live,
		 (unsigned long long)migrated->figures.idle, migrated->copy_ms,
		 migrated->pause_us / 1000, migrated->hold_us / 1000);
}

/* --- all at once */

static int moving_copy(struct lbd *lbd, struct lbd_moving *moving, struct error *err)
{
	const int64_t began = monotonic_us();
	int rc;

	rc = next_open(lbd->dataplane, &lbd->model->limits, false, &moving->next, err);
	if (!rc)
		rc = moving_enter(lbd, moving, lbd->model, err);
	if (rc)
		return rc;
	next_copy(moving->next);
	next_count(moving->next, &moving->migrated.figures);
	moving->migrated.copy_ms = (uint32_t)((monotonic_us() - began) / 1000);
	return moving_check_room(&moving->migrated.figures, err);
}

static int moving_swap(struct lbd *lbd, struct lbd_moving *moving, struct error *err)
{
	int rc;

	moving_pause(lbd, moving);
	rc = next_swap(moving->next, moving->prog_fd, err);
	if (!rc)
		moving_exchange(lbd, moving);
	moving_resume(lbd, moving);
	return rc;
}

int lbd_move(struct lbd *lbd, struct error *err)
{
	struct lbd_moving moving;
	int rc = moving_check_maps_free(lbd, err);

	if (rc)
		return rc;
	moving_begin(&moving, lbd, &lbd->model->limits);
	rc = moving_copy(lbd, &moving, err);
	if (!rc)
		rc = lbd_upgrading_settle(lbd, "the tables move", err);
	if (!rc)
		rc = moving_commit(lbd, &moving, err);
	if (!rc)
		rc = moving_load(lbd, &moving, err);
	if (!rc)
		rc = moving_swap(lbd, &moving, err);
	if (rc) {
		moving_end(&moving);
		return rc;
	}
	next_prove(moving.next);
	next_count(moving.next, &moving.migrated.figures);
	moving_finish(lbd, &moving);
	moving_tell(&lbd->migrated);
	return 0;
}
