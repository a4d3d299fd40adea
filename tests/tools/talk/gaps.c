// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/tools/talk/gaps.h"

#include <stdlib.h>

static int gaps_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static json_t *gaps_rank(const uint64_t *gaps_ns, uint32_t count, double rank)
{
	uint32_t place = (uint32_t)(rank * (count - 1) + 0.5);

	/* Tenths of a millisecond: more would be noise. */
	return json_real(count ? (double)(gaps_ns[place] / 100000) / 10 : 0);
}

json_t *gaps_report(uint64_t *gaps_ns, uint32_t count)
{
	qsort(gaps_ns, count, sizeof(*gaps_ns), gaps_compare);
	return json_pack("{so so so}", "max", gaps_rank(gaps_ns, count, 1), "p99",
			 gaps_rank(gaps_ns, count, 0.99), "median", gaps_rank(gaps_ns, count, 0.5));
}
