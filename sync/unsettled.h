/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand in one node's sums and not in the other's, since tables change
 * while they are read: a ring of the hashes that came, went or were told lately.
 * Bounded: what is too old to matter is written over, and if that wasn't too
 * old, unsettled_has() says so.
 */
#ifndef SYNC_UNSETTLED_H
#define SYNC_UNSETTLED_H

#include <stdbool.h>
#include <stdint.h>

#define UNSETTLED_ROWS (1U << 18)

struct unsettled_row {
	uint64_t hash;
	uint64_t at_ms : 48, region : 16;
};

_Static_assert(sizeof(struct unsettled_row) == 16, "four rows a cache line");

struct unsettled {
	uint64_t count; /* rows ever added; the last UNSETTLED_ROWS of them are there */
	struct unsettled_row rows[UNSETTLED_ROWS];
};

void unsettled_add(struct unsettled *unsettled, uint32_t region, uint64_t hash, int64_t now_us);

/* Number of the first row that isn't older than @since_us, of those that are there. */
uint64_t unsettled_since(const struct unsettled *unsettled, int64_t since_us);

/* Are all rows there that aren't older than @since_us? */
bool unsettled_reaches(const struct unsettled *unsettled, int64_t since_us);

/* Is row @number still there? */
bool unsettled_has(const struct unsettled *unsettled, uint64_t number);

static inline const struct unsettled_row *unsettled_row(const struct unsettled *unsettled,
							uint64_t number)
{
	return &unsettled->rows[number % UNSETTLED_ROWS];
}

#endif
