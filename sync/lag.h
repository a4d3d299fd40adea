/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long changes took to stand in the peer's table, over the last minute:
 * counts by the logarithm of the time, in slots of ten seconds. A percentile is
 * right to an eighth.
 */
#ifndef SYNC_LAG_H
#define SYNC_LAG_H

#include <stdint.h>

#define LAG_SLOTS 6
#define LAG_SLOT_US (10 * 1000 * 1000LL)
#define LAG_STEPS 8 /* counts to an octave */
#define LAG_COUNTS (28 * LAG_STEPS)

struct lag {
	int64_t slot; /* number of the newest */
	uint32_t counts[LAG_SLOTS][LAG_COUNTS];
};

/* @changes changes took @lag_us. */
void lag_add(struct lag *lag, int64_t now_us, int64_t lag_us, uint32_t changes);

/* The time within which @permille of the changes of the last minute stood there; -1: none did. */
int64_t lag_read(const struct lag *lag, int64_t now_us, uint32_t permille);

#endif
