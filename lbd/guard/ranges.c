// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sweep: each prefix is an edge where it begins and one behind its end.
 * Between two edges, the lists that are entered more often than left contain
 * the range.
 */
#include "guard/ranges.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "lbd/guard.h"

struct edge {
	uint64_t upper, lower;
	uint8_t list;
	int8_t step; /* 1: the list begins, -1: it ends */
};

void ranges_key(const struct lbd_addr *addr, uint64_t *ret_upper, uint64_t *ret_lower)
{
	const bool v4 = lbd_addr_is4(addr);

	*ret_upper = v4 ? (uint64_t)be32toh(addr->words[3]) << 32 : be64toh(addr->halves[0]);
	*ret_lower = v4 ? 0 : be64toh(addr->halves[1]);
}

/* Behind the prefix; false: behind the last address of all. */
static bool ranges_behind(const struct edge *begin, uint8_t length, struct edge *ret)
{
	*ret = *begin;
	ret->step = -1;
	if (length > 64) {
		ret->lower += 1ULL << (128 - length);
		ret->upper += !ret->lower;
		return ret->lower || ret->upper;
	}
	ret->upper += length ? 1ULL << (64 - length) : 0;
	return ret->upper != 0;
}

static uint32_t ranges_edges(const struct prefixes *prefixes, bool v6, struct edge *edges)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < prefixes->count; i++) {
		const struct guard_prefix *from = &prefixes->all[i];
		struct edge *begin = &edges[count];

		if (lbd_addr_is4(&from->prefix.addr) == v6)
			continue;
		ranges_key(&from->prefix.addr, &begin->upper, &begin->lower);
		begin->list = from->list;
		begin->step = 1;
		count += ranges_behind(begin, from->prefix.length, begin + 1) ? 2 : 1;
	}
	return count;
}

static int ranges_by_address(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->upper != y->upper)
		return x->upper < y->upper ? -1 : 1;
	if (x->lower != y->lower)
		return x->lower < y->lower ? -1 : 1;
	return 0;
}

static bool ranges_same_place(const struct edge *a, const struct edge *b)
{
	return a->upper == b->upper && a->lower == b->lower;
}

static void ranges_sweep(const struct edge *edges, uint32_t count, struct ranges *ret)
{
	uint32_t depth[LBD_LISTS_MAX] = { 0 }, lists = 0, before = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct edge *edge = &edges[i];

		depth[edge->list] += (uint32_t)edge->step;
		if (depth[edge->list])
			lists |= 1U << edge->list;
		else
			lists &= ~(1U << edge->list);
		if (i + 1 < count && ranges_same_place(edge, edge + 1))
			continue;
		if (lists != before)
			ret->all[ret->count++] = (struct range){ edge->upper, edge->lower, lists };
		before = lists;
	}
}

int ranges_make(const struct prefixes *prefixes, bool v6, struct ranges *ret)
{
	const size_t most = 2 * (size_t)prefixes->count + 1;
	struct edge *edges = calloc(most, sizeof(*edges));
	uint32_t count;

	ret->count = 0;
	ret->all = calloc(most, sizeof(*ret->all));
	if (!edges || !ret->all) {
		free(edges);
		ranges_free(ret);
		return -ENOMEM;
	}
	count = ranges_edges(prefixes, v6, edges);
	qsort(edges, count, sizeof(*edges), ranges_by_address);
	ranges_sweep(edges, count, ret);
	free(edges);
	return 0;
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->all);
	*ranges = (struct ranges){ 0 };
}
