// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/monotonic.h"
#include "lbd.h"
#include "moving.h"
#include "worker.h"

enum migration_phase { OPENING, COPYING, LOADING, SWAPPING, PROVING, OVER };

struct lbd_migration {
	struct lbd *lbd;
	struct lbd_migrate_plan plan;
	enum migration_phase phase;
	struct worker *worker;
	struct lbd_moving moving;
	struct model *model;	/* that the copy goes by */
	struct lbd_draft draft; /* from LOADING on, until it is in force */
	int rc;			/* what the thread came to ... */
	struct error err;	/* ... and why */
	bool ends;		/* lbd stops */
};

bool lbd_has_other_limits(const struct lbd *lbd, const struct config *config)
{
	const struct lbd_limits asked = model_limits(config);

	return memcmp(dataplane_limits(lbd->dataplane), &asked, sizeof(asked)) != 0;
}

/* --- what the thread does */

static void migration_open(struct lbd_migration *m)
{
	m->rc = next_open(m->lbd->dataplane, &m->moving.migrated.to, m->plan.check, &m->moving.next,
			  &m->err);
}

static void migration_copy(struct lbd_migration *m)
{
	const int64_t began = monotonic_us();

	next_copy(m->moving.next);
	next_count(m->moving.next, &m->moving.migrated.figures);
	m->moving.migrated.copy_ms = (uint32_t)((monotonic_us() - began) / 1000);
}

/* It may take a while: so another pass leaves the last one less. */
static void migration_load(struct lbd_migration *m)
{
	m->rc = moving_load(m->lbd, &m->moving, &m->err);
	if (!m->rc)
		next_copy(m->moving.next);
}

static void migration_swap(struct lbd_migration *m)
{
	m->rc = next_swap(m->moving.next, m->moving.prog_fd, &m->err);
}

static void migration_prove(struct lbd_migration *m)
{
	next_prove(m->moving.next);
	next_count(m->moving.next, &m->moving.migrated.figures);
}

/* --- what the event loop does before: 0, or why it comes to nothing */

static int migration_begin_copying(struct lbd_migration *m, struct error *err)
{
	return moving_enter(m->lbd, &m->moving, m->model, err);
}

/* Into the new maps, as if the new config were in force already. */
static int migration_commit(struct lbd_migration *m, struct error *err)
{
	int rc;

	lbd_apply_exchange(m->lbd, &m->draft);
	rc = moving_commit(m->lbd, &m->moving, err);
	lbd_apply_exchange(m->lbd, &m->draft);
	return rc;
}

static int migration_begin_loading(struct lbd_migration *m, struct error *err)
{
	int rc = 0;

	if (!m->plan.evict)
		rc = moving_check_room(&m->moving.migrated.figures, err);
	if (!rc)
		rc = lbd_apply_prepare(m->lbd, m->plan.config, &m->draft, err);
	if (rc)
		return rc;
	m->lbd->coming = m->draft.model;
	lbd_trace_end(m->lbd);
	/* Not before: a move that is refused shall not end what is watched. */
	rc = lbd_upgrading_settle(m->lbd, "the tables move", err);
	return rc ? rc : migration_commit(m, err);
}

/* Health and next hops may have changed while it was loaded: even what has to be loaded. */
static int migration_begin_swapping(struct lbd_migration *m, struct error *err)
{
	const uint32_t features = m->moving.target.features;
	int rc = 0;

	if (m->lbd->commits != m->moving.commits)
		rc = migration_commit(m, err);
	if (!rc && m->moving.target.features != features)
		return -ESTALE;
	if (!rc)
		moving_pause(m->lbd, &m->moving);
	return rc;
}

/* It is in force. What came meanwhile is committed now. */
static int migration_begin_proving(struct lbd_migration *m, struct error *err)
{
	(void)err;
	m->lbd->coming = NULL;
	lbd_apply_exchange(m->lbd, &m->draft);
	moving_exchange(m->lbd, &m->moving);
	moving_resume(m->lbd, &m->moving);
	lbd_apply_adopt(m->lbd, &m->draft);
	m->plan.applied(m->plan.context);
	lbd_schedule_commit(m->lbd);
	return 0;
}

static const struct {
	const char *name;
	int (*begin)(struct lbd_migration *, struct error *);
	void (*run)(struct lbd_migration *);
} migration_phases[] = {
	[OPENING] = { "opening", NULL, migration_open },
	[COPYING] = { "copying", migration_begin_copying, migration_copy },
	[LOADING] = { "loading", migration_begin_loading, migration_load },
	[SWAPPING] = { "swapping", migration_begin_swapping, migration_swap },
	[PROVING] = { "proving", migration_begin_proving, migration_prove },
};

/* --- from one to the next */

static void migration_free(struct lbd_migration *m)
{
	moving_end(&m->moving);
	model_free(m->model);
	free(m);
}

/* The old maps and the old config stay. */
static void migration_undo(struct lbd_migration *m)
{
	struct lbd *lbd = m->lbd;

	if (m->phase == SWAPPING)
		moving_resume(lbd, &m->moving);
	if (!lbd->coming)
		return;
	lbd->coming = NULL;
	lbd_apply_discard(lbd, &m->draft);
}

static void migration_hold(struct lbd_migrated *migrated, int64_t began)
{
	const uint32_t held = (uint32_t)(monotonic_us() - began);

	if (held > migrated->hold_us)
		migrated->hold_us = held;
}

static void migration_finish(struct lbd *lbd, struct lbd_moving *moving)
{
	const int64_t began = monotonic_us();

	moving_finish(lbd, moving);
	migration_hold(&lbd->migrated, began);
	moving_tell(&lbd->migrated);
}

static void migration_over(struct lbd_migration *m, int rc)
{
	const struct lbd_migrate_plan plan = m->plan;
	const struct error why = m->err;
	struct lbd *lbd = m->lbd;
	struct lbd_migrated migrated;

	if (rc || plan.check)
		migration_undo(m);
	else
		migration_finish(lbd, &m->moving);
	migrated = rc || plan.check ? m->moving.migrated : lbd->migrated;
	lbd->migration = NULL;
	migration_free(m);
	plan.done(plan.context, rc, &migrated, &why);
}

static void migration_run(void *context)
{
	struct lbd_migration *m = context;

	migration_phases[m->phase].run(m);
}

static void migration_ready(void *context);

/* After the swap it goes on without a thread rather than not at all, and if lbd stops. */
static int migration_go_on(struct lbd_migration *m, struct error *err)
{
	const struct worker_job job = { migration_run, migration_ready, m };
	int rc = m->ends ? -ECANCELED : worker_begin(m->lbd->base, &job, &m->worker, err);

	if (!rc || m->phase != PROVING)
		return rc;
	migration_run(m);
	migration_ready(m);
	return 0;
}

static enum migration_phase migration_next_phase(const struct lbd_migration *m)
{
	const enum migration_phase last = m->plan.check ? COPYING : PROVING;

	return m->phase == last ? OVER : m->phase + 1;
}

/* The event loop's step; *next: what the thread does then. */
static int migration_step(struct lbd_migration *m, enum migration_phase *next)
{
	const int64_t began = monotonic_us();
	int rc = m->rc;

	if (!rc && m->ends && m->phase < SWAPPING)
		rc = error_set(&m->err, -ECANCELED, "lbd stops");
	if (!rc && *next != OVER)
		rc = migration_phases[*next].begin(m, &m->err);
	/* What was loaded is of another shape by now, and the new one is in the maps. */
	if (rc == -ESTALE) {
		*next = LOADING;
		rc = 0;
	}
	migration_hold(&m->moving.migrated, began);
	return rc;
}

/* The thread is at the end of a phase. */
static void migration_ready(void *context)
{
	struct lbd_migration *m = context;
	enum migration_phase next = migration_next_phase(m);
	int rc = migration_step(m, &next);

	if (!rc && next != OVER) {
		m->phase = next;
		rc = migration_go_on(m, &m->err);
	}
	if (rc || next == OVER)
		migration_over(m, rc);
}

/* The model is only for what the copy goes by: it is built again at the end, by what is then. */
static int migration_start(struct lbd_migration *m, struct error *err)
{
	int rc = lbd_build_model(m->lbd, m->plan.config, &m->model, err);

	if (rc)
		return rc;
	moving_begin(&m->moving, m->lbd, &m->model->limits);
	return migration_go_on(m, err);
}

int lbd_migrate_begin(struct lbd *lbd, const struct lbd_migrate_plan *plan, struct error *err)
{
	struct lbd_migration *m;
	int rc;

	rc = lbd_check_still(lbd, err);
	if (!rc)
		rc = moving_check_maps_free(lbd, err);
	if (rc)
		return rc;
	m = calloc(1, sizeof(*m));
	if (!m)
		return error_set(err, -ENOMEM, "out of memory");
	*m = (struct lbd_migration){ .lbd = lbd, .plan = *plan, .moving.prog_fd = -1 };
	rc = migration_start(m, err);
	if (rc)
		migration_free(m);
	else
		lbd->migration = m;
	return rc;
}

int lbd_apply_begin(struct lbd *lbd, const struct lbd_migrate_plan *plan, struct error *err)
{
	const struct error none = { 0 };
	int rc;

	if (lbd_has_other_limits(lbd, plan->config))
		return lbd_migrate_begin(lbd, plan, err);
	rc = lbd_apply(lbd, plan->config, err);
	if (rc)
		return rc;
	plan->applied(plan->context);
	plan->done(plan->context, 0, &lbd->migrated, &none);
	return 0;
}

void lbd_migrate_end(struct lbd *lbd)
{
	struct lbd_migration *m = lbd->migration;

	if (!m)
		return;
	m->ends = true;
	worker_finish(&m->worker);
}

/* --- what others may do meanwhile */

bool lbd_migrate_progress(const struct lbd *lbd, struct lbd_migrate_status *ret)
{
	const struct lbd_migration *m = lbd->migration;

	if (!m)
		return false;
	*ret = (struct lbd_migrate_status){
		.phase = migration_phases[m->phase].name,
		.percent = m->phase == OPENING ? 0 : next_progress(m->moving.next),
		.from = m->moving.migrated.from,
		.to = m->moving.migrated.to,
	};
	return true;
}

int lbd_check_still(const struct lbd *lbd, struct error *err)
{
	struct lbd_migrate_status now;

	if (!lbd_migrate_progress(lbd, &now))
		return 0;
	error_set(err, -EBUSY, "the tables move to other limits: %s, %u %% of a pass are done",
		  now.phase, now.percent);
	error_hint(err, "wait for it: lbctl status");
	return -EBUSY;
}

int lbd_migrate_check_slots(const struct lbd *lbd, struct error *err)
{
	return lbd->coming ? lbd_check_still(lbd, err) : 0;
}

bool lbd_migrate_takes_commits(const struct lbd *lbd)
{
	const struct lbd_migration *m = lbd->migration;

	if (!m || m->phase < LOADING)
		return true;
	return m->phase != SWAPPING && lbd_fits(lbd);
}
