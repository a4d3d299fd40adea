/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the new packet path worse than the old one? By what became of their
 * packets, which either side counts apart.
 *
 * A rate is worse if all of these hold: enough packets on both sides, enough of
 * them bad, a difference that matters (a floor of its own for each rate), and
 * one that isn't chance (two-proportion z-test). The z that is asked for is
 * high: packets of a flow fare alike, and there are many looks.
 *
 * A service by itself has one rate only, LOST: outcomes aren't counted by service,
 * but what it was handed and what its backends got. Many services are many
 * chances to be wrong, so each must be the surer the more there are.
 *
 * What can't be told from either: a path that sends packets to another backend of
 * the same service, or counts for one that it drops. The replay before the swap can.
 */
#ifndef UPGRADE_VERDICT_H
#define UPGRADE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lbd/outcome.h"

/* X(constant, name, floor): what counts as bad; the floor is a difference in ten-thousandths. */
#define VERDICT_RATES(X)                                                     \
	X(UNACCOUNTED, "without an outcome", 20) /* neither said nor sent */ \
	X(DROPS, "dropped", 50)                                              \
	X(NO_BACKEND, "without a backend", 50)                               \
	X(UNROUTED, "without a way on", 50)                                  \
	X(PASSES, "left to the kernel", 100)                                 \
	X(MISSES, "not found in the table", 300)                             \
	X(LOST, "not given to its backends", 300) /* of a service */

enum verdict_rate {
#define X(constant, name, floor) VERDICT_##constant,
	VERDICT_RATES(X)
#undef X
		VERDICT_RATE_COUNT,
};

#define VERDICT_PACKETS_MIN 200 /* of either side; fewer tell nothing */
#define VERDICT_BAD_MIN 20
#define VERDICT_Z 6.0

struct verdict_counts {
	uint64_t packets;
	uint64_t bad[VERDICT_RATE_COUNT];
};

/*
 * What @packets that were handed to a side came to. @flows: count only what
 * TCP and UDP packets come to, as only they are shared out.
 */
void verdict_count(const uint64_t *outcomes, uint64_t packets, bool flows,
		   struct verdict_counts *ret);

enum verdict { VERDICT_UNSURE, VERDICT_ALIKE, VERDICT_WORSE };

struct verdict_finding {
	enum verdict verdict;
	enum verdict_rate rate; /* the worst by z; of what isn't worse, the worst too */
	double is, was, z;
	uint64_t harmed; /* packets that the old one would have done better by */
};

/* @among: so many that are judged alike at the same time, 1 if it is the only one. */
struct verdict_finding verdict_judge(const struct verdict_counts *old,
				     const struct verdict_counts *new, uint32_t among);

/* "812 of 4060 packets (20.00 %) dropped, expected 0.01 %", into @text, returned. */
#define VERDICT_TEXT_MAX 200
const char *verdict_format(const struct verdict_finding *finding, const struct verdict_counts *new,
			   char *text);

#endif
