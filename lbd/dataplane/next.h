/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another set of maps for the same packets: of other sizes, filled while the
 * set that there is serves, and put in its place by the swap of a generation.
 *
 *   next_open     maps that change are made, pinned in PINS/next; the others shared
 *   (the caller commits its model into next_to(), next_follow)
 *   next_copy     passes over the old tables, until one finds little
 *   (the caller loads a generation over next_to(); sync must not write any more)
 *   next_swap     last pass; the program is pinned beside the maps; one slot is
 *                 written; what the old program wrote until then is carried too
 *   (next_serve: the new set is in use, by sync and all others)
 *   next_prove    counters are summed; all that the old set has is in the new one
 *   next_promote  each new pin takes the place of the old one
 *
 * Killed before the swap, the next dataplane_open removes PINS/next; killed
 * after it, it goes through the last steps again and ends with the new set:
 * which it was is told by the program in the running slot. So between swap and
 * promotion that slot must not be written: the pins would be taken for a copy
 * that nobody uses. Whatever else was written to either set by then, the younger
 * of two words stands, and each counter is in one set or the other.
 */
#ifndef DATAPLANE_NEXT_H
#define DATAPLANE_NEXT_H

#include "dataplane/dataplane.h"

struct next;

/* What a next set takes, in bytes; what is counted twice for the time of the copy too. */
struct next_memory {
	uint64_t needed;	/* while both sets stand */
	uint64_t available;	/* MemAvailable; 0: unknown */
	uint64_t before, after; /* of the maps, for good */
};

void next_memory(const struct dataplane *from, const struct lbd_limits *limits,
		 struct next_memory *ret);

/*
 * @trial: pin nothing, to see what a copy would leave out. -ENOMEM if the
 * memory isn't there, -ENOSPC if ids are in use that @limits have no room for.
 * @from stays the caller's, open until next_close. *ret: next_close.
 */
int next_open(struct dataplane *from, const struct lbd_limits *limits, bool trial,
	      struct next **ret, struct error *err);

/* Before next_swap, the set that it made is removed. Accepts NULL. */
void next_close(struct next *next);

/* The new set. After next_promote it is the caller's, to be closed by dataplane_close. */
struct dataplane *next_to(const struct next *next);

/* Let entries age, and find their ways back, as a generation for @model with @features will. */
void next_follow(struct next *next, const struct model *model, uint32_t features);

/* Any thread but the one that closes it, alone. */
void next_copy(struct next *next);

/*
 * Any thread, alone: nobody may load a generation, commit, or write to a table of
 * either set meanwhile. On failure the old set goes on.
 */
int next_swap(struct next *next, int prog_fd, struct error *err);

/* After the swap: next_to() counts from where the old set stands, until that is summed up. */
void next_serve(struct next *next);

/* Any thread, alone, while the new set is in use; but write no slot of lbd_generations. */
void next_prove(struct next *next);

/* Fails only with the pins: the next dataplane_open tries again. */
int next_promote(struct next *next, struct error *err);

struct next_figures {
	uint64_t entries; /* connections in the old tables */
	uint64_t live;	  /* of these, alive and left out */
	uint64_t idle;	  /* closed, expired or never confirmed, and left out */
	uint64_t clients; /* of sticky services, left out */
};

/*
 * What finds no room; once swapped, what was left out. A walk over all tables. Before, as in
 * next_copy, nobody else may be at the new set: what came since its last pass is entered.
 */
void next_count(struct next *next, struct next_figures *ret);

/* How far the pass under way is, in per cent of the tables. Any thread. */
uint32_t next_progress(const struct next *next);

/* Tell @watch of each step as it begins. For tests, and who wants to log it. */
typedef void (*next_watch)(void *context, const char *step);
void next_set_watch(struct next *next, next_watch watch, void *context);

/*
 * Has another process, alive or killed, swapped over from @from to its own set, and not
 * promoted that yet?
 */
bool next_has_swapped(const struct dataplane *from);

/* It has, and to a set of a layout by which this release can't bring it to an end. */
bool next_is_for_others(const struct dataplane *from);

/* --- next_pins.c, for dataplane.c */

/* What a killed one left in @pin_dir: removed, or brought to its end. @types: ours, may be NULL. */
struct types;

int next_recover(const char *pin_dir, struct types *types, struct error *err);

/* Is a move under way, or one that was cut short? */
bool next_is_there(const char *pin_dir);

/* Remove it, whatever it is: the instance is detached. */
int next_remove(const char *pin_dir, struct error *err);

#endif
