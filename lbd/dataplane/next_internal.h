/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of next share. */
#ifndef DATAPLANE_NEXT_INTERNAL_H
#define DATAPLANE_NEXT_INTERNAL_H

#include "dataplane/carry.h"
#include "dataplane/internal.h"
#include "dataplane/next.h"

enum next_table { NEXT_CONN4, NEXT_CONN6, NEXT_STICKY, NEXT_TABLES };

struct next {
	struct dataplane *from, *to;
	bool trial;
	bool swapped, promoted;
	struct carry tables[NEXT_TABLES]; /* of maps that aren't shared; else zeros */
	struct counters_older older;
	next_watch watch;
	void *context;
};

/* --- next.c */

/* Both sets are open: ready the tables' carriers. @keep: as carry_open. */
int next_open_tables(struct next *next, bool keep, struct error *err);
void next_step(const struct next *next, const char *step);

/* What comes after the swap, and before anybody else writes to the new tables: idempotent. */
void next_finish(struct next *next);

/* --- next_pins.c */

/* Where the next set is pinned while it is filled. */
void next_dir(const char *pin_dir, char *ret, size_t size);

/* Pin the program that will run over the next set, or remove that pin. */
int next_pin_program(const struct next *next, int prog_fd, struct error *err);

/* --- next_sum.c */

/* Places of maps that have them; counters that only the old program counted. */
int next_copy_places(const struct next *next, struct error *err);
int next_sum_counters(const struct next *next, struct error *err);

#endif
