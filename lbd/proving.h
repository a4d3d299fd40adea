/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The preflight of an object while the daemon goes on: its steps are a
 * thread's, only what begins and ends them is the event loop's.
 *
 *   lbd_prove_begin -> thread: preflight_run -> use(proof): swap -> done
 *        ^                                        |
 *        +---- another shape or packet path meanwhile, at most so often
 */
#ifndef LBD_PROVING_H
#define LBD_PROVING_H

#include <stdbool.h>

#include "base/error.h"

struct lbd;
struct preflight;
struct preflight_report;
struct worker;

struct lbd_prove_order {
	const char *object; /* NULL: the installed one */
	bool force;	    /* though its replay differs */
	/*
	 * What the proof is for: lbd_target() has it meanwhile, for upgrade_swap. -ESTALE: it no
	 * longer holds, and is made anew. NULL: nothing is swapped, only looked at.
	 */
	int (*use)(void *context, struct error *err);
	/* @found only without @use, on 0. Called once, in the event loop. */
	void (*done)(void *context, int rc, const struct preflight_report *found,
		     const struct error *err);
	void *context;
};

struct lbd_proving {
	struct worker *worker; /* or NULL */
	struct preflight *proof;
	struct lbd_prove_order order;
	char object[256];
	unsigned int tries;
	bool usable; /* while order.use is called */
	bool ends;   /* lbd stops */
};

/* -EBUSY: another object is under way. */
int lbd_prove_begin(struct lbd *lbd, const struct lbd_prove_order *order, struct error *err);

/* lbd stops: what is under way comes to nothing, and is told so. */
void lbd_prove_end(struct lbd *lbd);

#endif
