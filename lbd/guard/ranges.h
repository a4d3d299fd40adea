/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes of many lists to disjoint ranges: where one begins, and which lists
 * contain it. Addresses are two halves, IPv4 in the highest 32 bits. Pure.
 */
#ifndef GUARD_RANGES_H
#define GUARD_RANGES_H

#include <stdbool.h>

#include "guard/prefixes.h"

struct range {
	uint64_t upper, lower; /* of its first address */
	uint32_t lists;	       /* a bit for each; it ends where the next begins */
};

struct ranges {
	struct range *all;
	uint32_t count;
};

/* The address as ranges and the packet path have it. */
void ranges_key(const struct lbd_addr *addr, uint64_t *ret_upper, uint64_t *ret_lower);

/*
 * The ranges of one family, ascending. What is before the first is on no list,
 * and neighbours differ in their lists. 0 or -ENOMEM; ranges_free.
 */
int ranges_make(const struct prefixes *prefixes, bool v6, struct ranges *ret);

void ranges_free(struct ranges *ranges);

#endif
