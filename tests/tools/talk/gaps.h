/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The longest times without an answer, and how they are told. */
#ifndef TALK_GAPS_H
#define TALK_GAPS_H

#include <jansson.h>
#include <stdint.h>

static inline void gaps_lengthen(uint64_t *gap_ns, uint64_t candidate_ns)
{
	if (candidate_ns > *gap_ns)
		*gap_ns = candidate_ns;
}

/* {"max", "p99", "median"} of @count gaps, in ms. Sorts them. */
json_t *gaps_report(uint64_t *gaps_ns, uint32_t count);

#endif
