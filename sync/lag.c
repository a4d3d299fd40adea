// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/lag.h"

#include <string.h>

/* Below LAG_STEPS microseconds each has a place of its own. */
static uint32_t lag_place(int64_t lag_us)
{
	uint64_t us = lag_us > 0 ? (uint64_t)lag_us : 0;
	uint32_t octave, place;

	if (us < LAG_STEPS)
		return (uint32_t)us;
	octave = 63U - (uint32_t)__builtin_clzll(us);
	place = (octave - 2) * LAG_STEPS + (uint32_t)(us >> (octave - 3) & (LAG_STEPS - 1));
	return place < LAG_COUNTS ? place : LAG_COUNTS - 1;
}

/* The longest time that is counted at @place. */
static int64_t lag_time(uint32_t place)
{
	uint32_t octave = place / LAG_STEPS + 2;

	if (place < LAG_STEPS)
		return place;
	return ((int64_t)(LAG_STEPS + place % LAG_STEPS + 1) << (octave - 3)) - 1;
}

/* Slots that have passed begin anew. */
static void lag_turn(struct lag *lag, int64_t slot)
{
	int64_t passed = slot - lag->slot;

	for (int64_t i = 0; i < passed && i < LAG_SLOTS; i++)
		memset(lag->counts[(slot - i) % LAG_SLOTS], 0, sizeof(lag->counts[0]));
	if (passed > 0)
		lag->slot = slot;
}

void lag_add(struct lag *lag, int64_t now_us, int64_t lag_us, uint32_t changes)
{
	lag_turn(lag, now_us / LAG_SLOT_US);
	lag->counts[lag->slot % LAG_SLOTS][lag_place(lag_us)] += changes;
}

/* The slots that are still within the minute, added up. Returns their sum. */
static uint64_t lag_sum(const struct lag *lag, int64_t now_us, uint64_t *ret)
{
	int64_t passed = now_us / LAG_SLOT_US - lag->slot;
	uint64_t all = 0;

	memset(ret, 0, LAG_COUNTS * sizeof(*ret));
	for (int64_t i = 0; i < LAG_SLOTS - passed && i <= lag->slot; i++)
		for (uint32_t place = 0; place < LAG_COUNTS; place++) {
			uint32_t count = lag->counts[(lag->slot - i) % LAG_SLOTS][place];

			ret[place] += count;
			all += count;
		}
	return all;
}

int64_t lag_read(const struct lag *lag, int64_t now_us, uint32_t permille)
{
	uint64_t counts[LAG_COUNTS], below = 0;
	uint64_t all = lag_sum(lag, now_us, counts), wanted = (all * permille + 999) / 1000;

	for (uint32_t place = 0; all > 0 && place < LAG_COUNTS; place++) {
		below += counts[place];
		if (below >= wanted)
			return lag_time(place);
	}
	return -1;
}
