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
 * All packets are compared, and each service by itself. A service that loses
 * packets right after a swap is no doubt yet, as nobody knows what it lost
 * before: BESIDE tells.
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

#define WATCH_SILENCE 60  /* a service is no longer waited for after so many */
#define WATCH_ENOUGH 1000 /* packets of a service: its round may end with the others' */

/* What is compared: one of these for all packets, and behind it one for each service. */
#define WATCH_ALL 0

struct watch_sides {
	struct verdict_counts old, new;
};

struct watch {
	enum watch_mode mode;
	uint32_t count;			/* of what is compared, 1 or more */
	struct watch_sides *saved;	/* the caller's, @count: the round before CROSSED */
	struct verdict_counts before;	/* of BEFORE: the old one's */
	struct verdict_finding finding; /* of the last look that could tell */
	uint32_t subject;		/* that it is about ... */
	struct verdict_counts packets;	/* ... and the new one's packets */
	bool doubted;			/* nothing has taken the doubt away yet */
	bool compared;
	uint32_t looks;
	uint64_t harmed;
};

/*
 * Look at what became of both sides' packets since the round began: @sides, as
 * many as there are; of BEFORE the old one's are filled in.
 */
enum watch_step watch_look(struct watch *watch, struct watch_sides *sides);

/* Only services are in doubt, and that ends after WATCH_SILENCE looks at most. */
bool watch_decides_soon(const struct watch *watch);

/*
 * A service with few packets keeps its round while others begin anew, until this
 * says that it has had enough to tell. SHARE and CROSS begin a round for all.
 */
bool watch_has_enough(const struct watch *watch, const struct watch_sides *sides);

#endif
