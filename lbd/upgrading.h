/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new packet path, from the request to its place: tried, watched, kept or
 * taken back.
 *
 *   upgrade           swapped at once, and watched:  WATCH --time--> kept
 *   upgrade --canary  a share of the flows:          CANARY --time--> kept
 *                                    either --worse, abort, lbd's end--> what ran before
 *
 * Worse is what watching.h finds worse than the old one. A canary that got too
 * few packets to tell isn't kept either. Whatever came of it is put down
 * (upgrade/past.h).
 *
 * A watched swap counts as done: another upgrade, a configuration that needs
 * another shape, tables that move and another lbd that takes over keep it and go
 * on from there; but if it is in doubt by then, they go back first. A canary is
 * only an attempt: another upgrade or a rollback is refused while it is on, and
 * such a configuration ends it. While either is on, the kernel goes back by itself if
 * lbd doesn't renew it (bpf/split.bpf.c), and the next lbd finds it so.
 */
#ifndef LBD_UPGRADING_H
#define LBD_UPGRADING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "watching.h"

struct lbd;
struct event;

enum upgrading_trial { UPGRADING_NONE, UPGRADING_WATCH, UPGRADING_CANARY };

struct lbd_upgrading {
	enum upgrading_trial trial;
	struct event *timer; /* renews the trial, and looks at it */
	int64_t began_ms;    /* CLOCK_MONOTONIC */
	uint32_t time_ms;    /* how long it goes on */
	uint32_t share;
	char object[256];
	char services[256]; /* their names; empty: all */
	struct lbd_watching watching;
};

/*
 * Take @object (NULL: the installed one) through the preflight
 * (upgrade/preflight.h), swap, and watch it; from lbd_prove_begin, its proof is there
 * already. @force: though its replay differs.
 * The running one runs on upon any failure.
 */
int lbd_upgrade(struct lbd *lbd, const char *object, bool force, struct error *err);

/* -EBUSY while a canary is on, or the tables move: no other packet path can come. */
int lbd_upgrading_refuse(const struct lbd *lbd, struct error *err);

struct lbd_canary {
	const char *object; /* NULL: the installed one */
	uint32_t share;	    /* of LBD_SPLIT_WHOLE, 1 or more */
	bool force;	    /* though its replay differs */
	const char *const *services;
	uint32_t services_count; /* 0: all */
};

/* The same, for a share of the flows. -EBUSY: one is on trial. -ENOENT: no such service. */
int lbd_canary(struct lbd *lbd, const struct lbd_canary *canary, struct error *err);

/* End the trial that is on: take the new one for good, or go back. -ENOENT: none is on. */
int lbd_promote(struct lbd *lbd, struct error *err);
int lbd_abort(struct lbd *lbd, struct error *err);

/* Go back to the previous generation: from a watched swap to what ran before it. */
int lbd_rollback(struct lbd *lbd, struct error *err);

/*
 * Something else needs slot RUNNING for itself, @why: a watched swap is kept, one
 * in doubt and a canary are ended. 0 if none is on.
 */
int lbd_upgrading_settle(struct lbd *lbd, const char *why, struct error *err);

/* A request that came to nothing, once that is for sure. */
void lbd_upgrading_refused(const struct lbd *lbd, bool canary, const char *object,
			   const struct error *err);

/* The last lbd died during a trial, and what ran before runs again. */
void lbd_upgrading_recovered(const struct lbd *lbd);

/* How long the trial that is on goes on yet. */
uint32_t lbd_upgrading_left_ms(const struct lbd *lbd);

/* lbd stops: a trial that nobody watches is over. */
void lbd_upgrading_end(struct lbd *lbd);

#endif
