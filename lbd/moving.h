/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps in which tables move into maps of other limits. migration.c takes
 * them one by one beside the event loop; lbd_move takes all at once.
 */
#ifndef LBD_MOVING_H
#define LBD_MOVING_H

#include "migration.h"
#include "upgrade/upgrade.h"

struct lbd_moving {
	struct next *next;
	struct dataplane *from; /* the old maps, once lbd goes by the new ones */
	struct lbd_migrated migrated;
	struct upgrade_target target; /* what the generation over the new maps is loaded for */
	int prog_fd;		      /* it; -1: none yet */
	uint64_t commits;	      /* of the daemon, when the model went into the new maps */
	int64_t paused_us;
};

/* Nothing yet. */
void moving_begin(struct lbd_moving *moving, const struct lbd *lbd, const struct lbd_limits *to);

/* Whatever there is of it. */
void moving_end(struct lbd_moving *moving);

/* -EBUSY: something reads the maps that would go. */
int moving_check_maps_free(const struct lbd *lbd, struct error *err);

/* What the copy goes by. @model: with the new limits. */
int moving_enter(struct lbd *lbd, struct lbd_moving *moving, const struct model *model,
		 struct error *err);

/* -ENOSPC: live connections find no room. */
int moving_check_room(const struct next_figures *figures, struct error *err);

/* lbd->model goes into the new maps, and says what is to be loaded over them. */
int moving_commit(struct lbd *lbd, struct lbd_moving *moving, struct error *err);

/* Any thread; the event loop may load nothing meanwhile. */
int moving_load(const struct lbd *lbd, struct lbd_moving *moving, struct error *err);

/* Sync ends, and goes on, with the maps that lbd has then. */
void moving_pause(struct lbd *lbd, struct lbd_moving *moving);
void moving_resume(struct lbd *lbd, struct lbd_moving *moving);

/* After the swap: lbd goes by the new maps. */
void moving_exchange(struct lbd *lbd, struct lbd_moving *moving);

/* Pins in order, the old maps gone; lbd->migrated is what it came to. */
void moving_finish(struct lbd *lbd, struct lbd_moving *moving);
void moving_tell(const struct lbd_migrated *migrated);

#endif
