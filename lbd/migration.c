// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "lbd.h"

struct lbd_migration {
	struct lbd *lbd;
	struct lbd_migrate_plan plan;
	struct next *next;
	struct lbd_migrated migrated;
	int ready; /* eventfd: the thread is at its end */
	struct event *event;
	pthread_t thread;
};

static int64_t migration_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

bool lbd_has_other_limits(const struct lbd *lbd, const struct config *config)
{
	const struct lbd_limits asked = model_limits(config);

	return memcmp(dataplane_limits(lbd->dataplane), &asked, sizeof(asked)) != 0;
}

int lbd_check_still(const struct lbd *lbd, struct error *err)
{
	if (!lbd->migration)
		return 0;
	error_set(err, -EBUSY, "the tables move to other limits, %u %% of a pass are done",
		  next_progress(lbd->migration->next));
	error_hint(err, "wait for it: lbctl status");
	return -EBUSY;
}

/* What tries a packet path reads the maps that would go. */
static int migration_check_maps_free(const struct lbd *lbd, struct error *err)
{
	if (!lbd->proving.worker)
		return 0;
	return error_set(err, -EBUSY, "%s is being tried: ask again once that is done",
			 lbd->proving.object);
}

bool lbd_migrate_progress(const struct lbd *lbd, uint32_t *ret_percent, struct lbd_limits *ret_from,
			  struct lbd_limits *ret_to)
{
	const struct lbd_migration *migration = lbd->migration;

	if (!migration)
		return false;
	*ret_percent = next_progress(migration->next);
	*ret_from = migration->migrated.from;
	*ret_to = migration->migrated.to;
	return true;
}

/* --- maps beside those that serve, and what fits in */

static int migration_check_room(const struct next_figures *figures, struct error *err)
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

/* Maps of @model's limits, with what entries are read by in them. */
static int migration_open(struct lbd *lbd, const struct model *model, bool check, struct next **ret,
			  struct error *err)
{
	struct next *next;
	int rc;

	rc = next_open(lbd->dataplane, &model->limits, check, &next, err);
	if (rc)
		return rc;
	rc = dataplane_commit(next_to(next), model, err);
	if (rc) {
		next_close(next);
		return rc;
	}
	next_follow(next, model, lbd_model_features(lbd, model));
	*ret = next;
	return 0;
}

static void migration_plan(const struct lbd *lbd, const struct lbd_limits *to,
			   struct lbd_migrated *ret)
{
	*ret = (struct lbd_migrated){ .from = *dataplane_limits(lbd->dataplane), .to = *to };
	next_memory(lbd->dataplane, to, &ret->memory);
}

/* --- from one set to the other */

/* Whoever holds the old set, or something in it. */
static void migration_exchange(struct lbd *lbd, struct dataplane *to)
{
	struct dataplane *from = lbd->dataplane;

	lbd_trace_end(lbd);
	lbd->dataplane = to;
	if (fragments_move(lbd->fragments, to)) {
		log_error("fragments that come before their first are dropped: no thread");
		fragments_stop(lbd->fragments);
		lbd->fragments = NULL;
	}
	dataplane_close(from);
}

/* Sync has ended for it; its peers needn't be told all again (sync_stop). */
static void migration_start_sync(struct lbd *lbd, bool had)
{
	struct error err = { 0 };

	if (had && lbd_start_cluster(lbd, lbd->config, &err))
		log_report("sync doesn't go on after the tables have moved", &err);
	if (lbd->sync && sync_set_dictionary(lbd->sync, lbd->model))
		log_error("sync doesn't follow the change: out of memory");
	if (lbd->ha)
		ha_set_cluster(lbd->ha, lbd->config->cluster.patience_ms, lbd->sync);
}

static void migration_stop_sync(struct lbd *lbd)
{
	struct sync *sync = lbd->sync;

	lbd->sync = NULL;
	if (lbd->ha)
		ha_set_cluster(lbd->ha, lbd->config->cluster.patience_ms, NULL);
	sync_stop(sync);
}

/* From here on there is no way back, and none is needed: only pins can be left for later. */
static void migration_settle(struct lbd *lbd, struct next *next, struct lbd_migrated *migrated)
{
	struct error err = { 0 };

	next_prove(next);
	if (next_promote(next, &err))
		log_report("the next start puts the pins in order", &err);
	next_count(next, &migrated->figures);
	migration_exchange(lbd, next_to(next));
}

static void migration_tell(const struct lbd_migrated *migrated)
{
	char text[DATAPLANE_LIMITS_TEXT];

	log_info("the tables have moved, %s: %llu connections, %llu live and %llu idle ones left "
		 "out; %u ms of copying, %u ms without sync",
		 dataplane_format_change(&migrated->from, &migrated->to, text),
		 (unsigned long long)migrated->figures.entries,
		 (unsigned long long)migrated->figures.live,
		 (unsigned long long)migrated->figures.idle, migrated->copy_ms,
		 migrated->pause_us / 1000);
}

/* The part that holds up the event loop, and sync. */
static int migration_swap(struct lbd *lbd, struct next *next, int prog_fd,
			  struct lbd_migrated *migrated, struct error *err)
{
	const int64_t began = migration_now_us();
	const bool had_sync = lbd->sync != NULL;
	int rc;

	migration_stop_sync(lbd);
	rc = next_swap(next, prog_fd, err);
	if (!rc)
		migration_settle(lbd, next, migrated);
	migration_start_sync(lbd, had_sync);
	migrated->pause_us = (uint32_t)(migration_now_us() - began);
	return rc;
}

static int migration_move(struct lbd *lbd, struct next *next, struct lbd_migrated *migrated,
			  struct error *err)
{
	int fd = -1, rc;

	rc = lbd_prepare_next(lbd, next, &fd, err);
	if (!rc)
		rc = migration_swap(lbd, next, fd, migrated, err);
	if (fd >= 0)
		close(fd);
	if (rc)
		return rc;
	lbd->commits++;
	migrated->ended_at = time(NULL);
	lbd->migrated = *migrated;
	migration_tell(migrated);
	return 0;
}

/* All at once, for a start, or a config that is gone back to. */
static int migration_move_now(struct lbd *lbd, struct error *err)
{
	const int64_t began = migration_now_us();
	struct lbd_migrated migrated;
	struct next *next;
	int rc;

	migration_plan(lbd, &lbd->model->limits, &migrated);
	rc = migration_open(lbd, lbd->model, false, &next, err);
	if (rc)
		return rc;
	next_copy(next);
	next_count(next, &migrated.figures);
	migrated.copy_ms = (uint32_t)((migration_now_us() - began) / 1000);
	rc = migration_check_room(&migrated.figures, err);
	if (!rc)
		rc = migration_move(lbd, next, &migrated, err);
	next_close(next);
	return rc;
}

int lbd_move(struct lbd *lbd, struct error *err)
{
	const struct lbd_moving *moving = lbd->moving;
	int rc = migration_check_maps_free(lbd, err);

	if (!rc)
		rc = lbd_upgrading_settle(lbd, "the tables move", err);
	if (rc)
		return rc;
	if (!moving ||
	    memcmp(&moving->migrated->to, &lbd->model->limits, sizeof(struct lbd_limits)))
		return migration_move_now(lbd, err);
	return migration_move(lbd, moving->next, moving->migrated, err);
}

/* --- by a thread */

static void *migration_loop(void *context)
{
	struct lbd_migration *migration = context;
	const int64_t began = migration_now_us();

	next_copy(migration->next);
	next_count(migration->next, &migration->migrated.figures);
	migration->migrated.copy_ms = (uint32_t)((migration_now_us() - began) / 1000);
	eventfd_write(migration->ready, 1);
	return NULL;
}

static void migration_free(struct lbd_migration *migration)
{
	next_close(migration->next);
	if (migration->event)
		event_free(migration->event);
	if (migration->ready >= 0)
		close(migration->ready);
	free(migration);
}

static int migration_judge(const struct lbd_migration *migration, struct error *err)
{
	if (migration->plan.check || migration->plan.evict)
		return 0;
	return migration_check_room(&migration->migrated.figures, err);
}

static void migration_ready(evutil_socket_t fd, short what, void *context)
{
	struct lbd_migration *migration = context;
	const struct lbd_moving moving = { migration->next, &migration->migrated };
	struct lbd *lbd = migration->lbd;
	struct error err = { 0 };
	int rc;

	(void)fd;
	(void)what;
	pthread_join(migration->thread, NULL);
	lbd->migration = NULL;
	rc = migration_judge(migration, &err);
	lbd->moving = rc || migration->plan.check ? NULL : &moving;
	migration->plan.done(migration->plan.context, rc, &migration->migrated, &err);
	lbd->moving = NULL;
	migration_free(migration);
}

static int migration_start(struct lbd_migration *migration)
{
	sigset_t all, before;
	int rc;

	migration->ready = eventfd(0, EFD_CLOEXEC);
	if (migration->ready < 0)
		return -errno;
	migration->event = event_new(migration->lbd->base, migration->ready, EV_READ,
				     migration_ready, migration);
	if (!migration->event || event_add(migration->event, NULL))
		return -ENOMEM;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&migration->thread, NULL, migration_loop, migration);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

/* The model is only for what the copy goes by: it is built again at the end, by what is then. */
static int migration_prepare(struct lbd_migration *migration, struct error *err)
{
	struct lbd *lbd = migration->lbd;
	struct model *model;
	int rc;

	rc = lbd_build_model(lbd, migration->plan.config, &model, err);
	if (rc)
		return rc;
	migration_plan(lbd, &model->limits, &migration->migrated);
	rc = migration_open(lbd, model, migration->plan.check, &migration->next, err);
	model_free(model);
	return rc;
}

int lbd_migrate_begin(struct lbd *lbd, const struct lbd_migrate_plan *plan, struct error *err)
{
	struct lbd_migration *migration;
	int rc;

	rc = lbd_check_still(lbd, err);
	if (!rc)
		rc = migration_check_maps_free(lbd, err);
	if (!rc && !plan->check)
		rc = lbd_upgrading_settle(lbd, "the tables move", err);
	if (rc)
		return rc;
	migration = calloc(1, sizeof(*migration));
	if (!migration)
		return error_set(err, -ENOMEM, "out of memory");
	*migration = (struct lbd_migration){ .lbd = lbd, .plan = *plan, .ready = -1 };
	rc = migration_prepare(migration, err);
	if (!rc) {
		rc = migration_start(migration);
		if (rc)
			error_errno(err, rc, "thread to move the tables");
	}
	if (rc)
		migration_free(migration);
	else
		lbd->migration = migration;
	return rc;
}

void lbd_migrate_end(struct lbd *lbd)
{
	struct lbd_migration *migration = lbd->migration;
	struct error err = { 0 };

	if (!migration)
		return;
	lbd->migration = NULL;
	pthread_join(migration->thread, NULL);
	error_set(&err, -ECANCELED, "lbd stops");
	migration->plan.done(migration->plan.context, -ECANCELED, &migration->migrated, &err);
	migration_free(migration);
}
