/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rise and fall: from answers to "healthy". Pure. */
#ifndef HEALTH_VERDICT_H
#define HEALTH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

struct verdict {
	bool healthy;
	bool checked;	 /* has an answer decided? */
	bool last;	 /* the last answer */
	uint32_t streak; /* equal answers in a row, 0: none yet */
};

/*
 * Enter an answer. True if it decides: the first one ever does, then @rise
 * successes (of a target that is down) or @fall failures (of one that is up).
 */
bool verdict_enter(struct verdict *verdict, bool success, uint32_t rise, uint32_t fall);

#endif
