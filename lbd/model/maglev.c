// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/maglev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A member's permutation of the ring: place(n) = (offset + n * skip) mod size.
 * It takes its places in this order, as far as they are still free.
 */
struct maglev_turn {
	uint32_t place; /* next in the permutation */
	uint32_t skip;
	uint32_t weight;
	uint64_t credit;
	uint16_t index;
	bool placed; /* has it any place? */
	struct lbd_addr addr;
};

bool maglev_is_prime(uint32_t n)
{
	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return false;
	for (uint32_t d = 3; d <= n / d; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

static uint64_t maglev_hash(const struct lbd_secret *secret, const struct lbd_addr *addr,
			    uint64_t round)
{
	uint64_t x = lbd_mix(addr->halves[0] ^ secret->words[0] ^ round);

	return lbd_mix(lbd_mix(x ^ addr->halves[1]) + secret->words[1]);
}

static int maglev_by_addr(const void *a, const void *b)
{
	const struct maglev_turn *x = a, *y = b;

	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

/* Those with a weight, in an order that every node agrees on. */
static uint32_t maglev_turns(const struct lbd_secret *secret, const struct maglev_member *members,
			     uint32_t count, struct maglev_turn *turns, uint32_t size)
{
	uint32_t taking = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!members[i].weight)
			continue;
		turns[taking++] = (struct maglev_turn){
			.place = (uint32_t)(maglev_hash(secret, &members[i].addr, 1) % size),
			.skip = (uint32_t)(maglev_hash(secret, &members[i].addr, 2) % (size - 1)) +
				1,
			.weight = members[i].weight,
			.index = members[i].index,
			.addr = members[i].addr,
		};
	}
	qsort(turns, taking, sizeof(*turns), maglev_by_addr);
	return taking;
}

static uint32_t maglev_heaviest(const struct maglev_turn *turns, uint32_t count)
{
	uint32_t heaviest = 1;

	for (uint32_t i = 0; i < count; i++)
		if (turns[i].weight > heaviest)
			heaviest = turns[i].weight;
	return heaviest;
}

static void maglev_take(struct maglev_turn *turn, uint16_t *ring, uint32_t size)
{
	while (ring[turn->place])
		turn->place = (uint32_t)(((uint64_t)turn->place + turn->skip) % size);
	ring[turn->place] = turn->index;
}

/*
 * In each round the heaviest member takes one place, a lighter one earns its
 * share of a place and takes one when it has earned a whole. Returns how many
 * have a place: in a ring that is too small for its members, not all.
 */
static uint32_t maglev_fill(struct maglev_turn *turns, uint32_t count, uint16_t *ring,
			    uint32_t size)
{
	const uint32_t heaviest = maglev_heaviest(turns, count);
	uint32_t filled = 0, placed = 0;

	while (filled < size) {
		for (uint32_t i = 0; i < count && filled < size; i++) {
			turns[i].credit += turns[i].weight;
			if (turns[i].credit < heaviest)
				continue;
			turns[i].credit -= heaviest;
			maglev_take(&turns[i], ring, size);
			placed += !turns[i].placed;
			turns[i].placed = true;
			filled++;
		}
	}
	return placed;
}

int maglev_build(const struct lbd_secret *secret, const struct maglev_member *members,
		 uint32_t count, uint16_t *ring, uint32_t size)
{
	struct maglev_turn *turns;
	uint32_t taking, placed = 0;

	memset(ring, 0, size * sizeof(*ring));
	if (!count)
		return 0;
	turns = calloc(count, sizeof(*turns));
	if (!turns)
		return -ENOMEM;
	taking = maglev_turns(secret, members, count, turns, size);
	if (taking)
		placed = maglev_fill(turns, taking, ring, size);
	free(turns);
	return (int)placed;
}
