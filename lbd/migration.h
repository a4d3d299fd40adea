/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables move into maps of other limits while packets flow (dataplane/next.h):
 *
 *   lbd_migrate_begin -> maps beside the old ones -> thread: passes over the tables
 *     -> event loop: done() applies a config with these limits -> lbd_move
 *
 *   lbd_move: commit, load -> sync stops -> last pass, swap, proof, pins -> sync starts
 *
 * The event loop answers while the thread copies, and health and next hops are
 * committed to the maps that serve; whatever else would change the config or the
 * packet path is refused with -EBUSY. Up to the swap, which is one step, the old
 * maps are as they were, and all can still be refused.
 */
#ifndef LBD_MIGRATION_H
#define LBD_MIGRATION_H

#include "dataplane/next.h"

struct config;
struct lbd;
struct lbd_migration;

/* One that is done, or what one would do. */
struct lbd_migrated {
	int64_t ended_at; /* seconds since the epoch; 0: none since the start */
	struct lbd_limits from, to;
	struct next_memory memory;
	struct next_figures figures; /* at the end */
	uint32_t copy_ms;	     /* while the old maps served */
	uint32_t pause_us;	     /* that nothing was told to the peers, nor the API answered */
};

/*
 * 0: the copy is made, and an lbd_apply from here, with the limits that it was
 * made for, takes it; without one it goes. Else a negative errno and why. In the
 * event loop.
 */
typedef void (*lbd_migrate_done)(void *context, int rc, const struct lbd_migrated *migrated,
				 const struct error *err);

struct lbd_migrate_plan {
	const struct config *config; /* with the other limits; must last until @done */
	bool check;		     /* only see what it would take and leave out */
	bool evict;		     /* even if live connections find no room: else -ENOSPC */
	lbd_migrate_done done;
	void *context;
};

/* On an error that is returned at once, plan->done never is told. */
int lbd_migrate_begin(struct lbd *lbd, const struct lbd_migrate_plan *plan, struct error *err);

/* lbd stops: it comes to nothing, and @done is told so. */
void lbd_migrate_end(struct lbd *lbd);

/* How far the one under way is, in per cent, and between which limits. False: none is. */
bool lbd_migrate_progress(const struct lbd *lbd, uint32_t *ret_percent, struct lbd_limits *ret_from,
			  struct lbd_limits *ret_to);

/* Do the pinned maps have other limits than @config asks for? */
bool lbd_has_other_limits(const struct lbd *lbd, const struct config *config);

/* -EBUSY while tables move: neither config nor packet path can be changed. */
int lbd_check_still(const struct lbd *lbd, struct error *err);

/* Maps that hold the tables but for what changes just now, and what is known of them. */
struct lbd_moving {
	struct next *next;
	struct lbd_migrated *migrated;
};

/*
 * Let lbd->model be in force in maps of its limits: those of lbd->moving, or else
 * some that are made and filled now, which takes its time, and which no live
 * connection is left out of. On failure all is as it was.
 */
int lbd_move(struct lbd *lbd, struct error *err);

#endif
