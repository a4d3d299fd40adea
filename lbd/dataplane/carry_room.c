// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room in a bucket that is full, by moving one of its entries to the other
 * bucket that it may stand in, if need be after the same there (cuckoo hashing).
 * Without it a table of these buckets can be nine tenths full at most; with it,
 * all but some hundredths. Never where somebody else reads: a flow that is on
 * its way between two buckets is in both, or in none.
 */
#include <stddef.h>

#include "dataplane/carry.h"

/* How many entries may have to move for one, and for how long it is tried in vain. */
#define ROOM_DEPTH 4
#define ROOM_DEPTH_FULL 1
#define ROOM_VAIN 64

static struct lbd_bucket *room_line(const struct carry_target *to, uint32_t bucket)
{
	return to->both ? &to->both[bucket].line : &to->lines[bucket];
}

static struct lbd_addr *room_clients(const struct carry_target *to, uint32_t bucket)
{
	return to->both ? to->both[bucket].client : NULL;
}

/* The other bucket that entry @slot of @bucket may stand in. */
static uint32_t room_other(const struct carry_target *to, uint32_t bucket, uint32_t slot)
{
	const struct lbd_bucket *line = room_line(to, bucket);
	struct lbd_flow flow = { .key = line->key[slot],
				 .dport = lbd_value_dport(line->value[slot]) };
	uint64_t hash;
	uint32_t first;

	if (to->both)
		flow.client = room_clients(to, bucket)[slot];
	hash = lbd_flow_hash(&flow, to->both, &to->tables->secret);
	first = lbd_flow_bucket(hash, 0, to->buckets - 1);
	return first == bucket ? lbd_flow_bucket(hash, 1, to->buckets - 1) : first;
}

static uint32_t room_empty(const struct carry_target *to, uint32_t bucket)
{
	const struct lbd_bucket *line = room_line(to, bucket);
	uint32_t slot = 0;

	while (slot < LBD_BUCKET_SLOTS && line->key[slot] != LBD_KEY_EMPTY)
		slot++;
	return slot;
}

static void room_move(const struct carry_target *to, uint32_t from, uint32_t slot, uint32_t other,
		      uint32_t place)
{
	struct lbd_bucket *source = room_line(to, from), *line = room_line(to, other);

	line->value[place] = source->value[slot];
	if (to->both)
		room_clients(to, other)[place] = room_clients(to, from)[slot];
	line->key[place] = source->key[slot];
	source->key[slot] = LBD_KEY_EMPTY;
}

/* Empty a slot of @bucket by moving up to @depth entries. */
static bool room_make(const struct carry_target *to, uint32_t bucket, int depth)
{
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS && depth > 0; slot++) {
		uint32_t other, place;

		if (!lbd_key_is_flow(room_line(to, bucket)->key[slot]))
			continue;
		other = room_other(to, bucket, slot);
		if (other == bucket)
			continue;
		if (room_empty(to, other) == LBD_BUCKET_SLOTS && !room_make(to, other, depth - 1))
			continue;
		place = room_empty(to, other);
		/* What moved may have been this one, in a circle. */
		if (place < LBD_BUCKET_SLOTS && room_line(to, bucket)->key[slot] != LBD_KEY_EMPTY)
			room_move(to, bucket, slot, other, place);
		return room_empty(to, bucket) < LBD_BUCKET_SLOTS;
	}
	return false;
}

bool carry_make_room(struct carry *carry, const uint32_t buckets[2])
{
	const int most = carry->vain < ROOM_VAIN ? ROOM_DEPTH : ROOM_DEPTH_FULL;

	for (int depth = 1; depth <= most; depth++)
		if (room_make(&carry->to, buckets[0], depth) ||
		    room_make(&carry->to, buckets[1], depth)) {
			carry->vain = 0;
			return true;
		}
	carry->vain++;
	return false;
}
