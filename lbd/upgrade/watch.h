/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of comparing, until it is sure that a new packet path is worse.
 *
 *   BEFORE   a swap: all packets are the new one's; compared with what the old
 *            one did before. Finding it worse is only a doubt, as the load may
 *            have changed by itself (a flood that begins): on with BESIDE.
 *   BESIDE   a canary, or a swap in doubt: both get flows at the same time, so
 *            that whatever the load does, it does to both. If the new one seems
 *            worse: on with CROSSED.
 *   CROSSED  the new one gets other flows, and the old one those that it had.
 *            Both rounds together decide: what flows do by themselves (a single
 *            source of a flood) both have then had.
 *
 * Not told apart: a flaw that spoils what both share, as the connection table;
 * and all that outcomes don't show (verdict.h).
 */
#ifndef UPGRADE_WATCH_H
#define UPGRADE_WATCH_H

#include "upgrade/verdict.h"

enum watch_mode { WATCH_BEFORE, WATCH_BESIDE, WATCH_CROSSED };

/* What to do now; but for GO_ON and BACK, a round begins. */
enum watch_step {
	WATCH_GO_ON,
	WATCH_ROUND, /* with nothing else changed */
	WATCH_SHARE, /* give the old one half of the flows */
	WATCH_CROSS, /* give the new one other flows */
	WATCH_BACK,
};

#define WATCH_LOOKS 20 /* in a round, so that a flaw that shows late isn't lost in what was */

struct watch {
	enum watch_mode mode;
	struct verdict_counts before;	/* of BEFORE: the old one's */
	struct verdict_counts old, new; /* of CROSSED: those of the round before it */
	struct verdict_finding finding; /* of the last look that could tell */
	struct verdict_counts packets;	/* that it is about: the new one's */
	bool doubted;			/* nothing has taken the doubt away yet */
	bool compared;
	uint32_t looks;
	uint64_t harmed;
};

/* Look at what became of both sides' packets since the round began. */
enum watch_step watch_look(struct watch *watch, const struct verdict_counts *old,
			   const struct verdict_counts *new);

#endif
