// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/unsettled.h"

/* Of a node's monotonic clock; what is asked about may lie before it began. */
static uint64_t unsettled_ms(int64_t us)
{
	return us > 0 ? (uint64_t)us / 1000 : 0;
}

void unsettled_add(struct unsettled *unsettled, uint32_t region, uint64_t hash, int64_t now_us)
{
	unsettled->rows[unsettled->count++ % UNSETTLED_ROWS] = (struct unsettled_row){
		.hash = hash, .at_ms = unsettled_ms(now_us), .region = region
	};
}

static uint64_t unsettled_first(const struct unsettled *unsettled)
{
	return unsettled->count > UNSETTLED_ROWS ? unsettled->count - UNSETTLED_ROWS : 0;
}

bool unsettled_has(const struct unsettled *unsettled, uint64_t number)
{
	return number >= unsettled_first(unsettled);
}

/* Rows stand in the order of their times. */
uint64_t unsettled_since(const struct unsettled *unsettled, int64_t since_us)
{
	uint64_t low = unsettled_first(unsettled), high = unsettled->count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (unsettled_row(unsettled, middle)->at_ms < unsettled_ms(since_us))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool unsettled_reaches(const struct unsettled *unsettled, int64_t since_us)
{
	uint64_t first = unsettled_first(unsettled);

	return first == 0 || unsettled_since(unsettled, since_us) > first;
}
