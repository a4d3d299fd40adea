/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A config with other limits comes into force, and the tables move into maps of
 * these while packets flow (dataplane/next.h). What takes as long as the tables
 * are large is a thread's; the event loop goes on, and takes one short step
 * between two of the thread's:
 *
 *   thread                               event loop, before it
 *   opening   maps beside the old ones   lbd_migrate_begin
 *   copying   passes over the tables     the model goes into the new maps
 *   loading   a generation over these    is there room? build the model again, attach,
 *                                        peers: all that the config may be refused for;
 *                                        then a packet path on trial is kept or ended
 *   swapping  last pass, one slot,       sync ends
 *             what came until then
 *   proving   counters, every entry      new maps, new config; sync goes on; applied()
 *   (none)                               pins in place, old maps gone; done()
 *
 * Up to the swap, which is one step, the old maps and the old config are in force,
 * and all can still be refused. From it on there is no way back, and none is
 * needed: lbd that is killed leaves both sets pinned, and the next start proves
 * and promotes the new one. So that it can tell which one that is, no generation
 * is loaded before that is done.
 *
 * Health and next hops are committed meanwhile, but for the swap, and when they
 * need another generation: then they wait. A packet path on trial stays watched
 * until the load, and may end by itself before; no other can begin. Whatever else would change the config
 * or the packet path is refused with -EBUSY.
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
	uint32_t pause_us;	     /* that nothing was told to the peers */
	uint32_t hold_us;	     /* the longest step of the event loop */
};

/*
 * 0: it is done, or would be. Else a negative errno and why: all is as it was,
 * and the config still the caller's. In the event loop.
 */
typedef void (*lbd_migrate_done)(void *context, int rc, const struct lbd_migrated *migrated,
				 const struct error *err);

struct lbd_migrate_plan {
	struct config *config;		/* with the other limits; becomes lbd->config */
	bool check;			/* only see what it would take and leave out */
	bool evict;			/* even if live connections find no room: else -ENOSPC */
	void (*applied)(void *context); /* the config is in force; NULL with @check */
	lbd_migrate_done done;
	void *context;
};

/* On an error that is returned at once, neither of plan's functions is called. */
int lbd_migrate_begin(struct lbd *lbd, const struct lbd_migrate_plan *plan, struct error *err);

/* The same for any config: with the limits that there are, it is in force when this returns. */
int lbd_apply_begin(struct lbd *lbd, const struct lbd_migrate_plan *plan, struct error *err);

/* lbd stops: it comes to nothing, or to its end if the swap is done, and @done is told so. */
void lbd_migrate_end(struct lbd *lbd);

/* How far the one under way is. */
struct lbd_migrate_status {
	const char *phase; /* as above */
	uint32_t percent;  /* of a pass over the tables */
	struct lbd_limits from, to;
};

/* False: none is under way. */
bool lbd_migrate_progress(const struct lbd *lbd, struct lbd_migrate_status *ret);

/* May lbd->model be committed now? */
bool lbd_migrate_takes_commits(const struct lbd *lbd);

/* -EBUSY while the thread loads or swaps: nothing may be loaded, or attached. */
int lbd_migrate_check_slots(const struct lbd *lbd, struct error *err);

/* Do the pinned maps have other limits than @config asks for? */
bool lbd_has_other_limits(const struct lbd *lbd, const struct config *config);

/* -EBUSY while tables move: neither config nor packet path can be changed. */
int lbd_check_still(const struct lbd *lbd, struct error *err);

/*
 * Let lbd->model be in force in maps of its limits, at once, which takes its time
 * and holds up the event loop: for a start. No live connection is left out. On
 * failure all is as it was. (moving.c)
 */
int lbd_move(struct lbd *lbd, struct error *err);

#endif
