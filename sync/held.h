/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a peer holds for us: of every slot of the connection tables a print of
 * the connection and its backend that the peer has acknowledged there. An entry
 * is held if its print stands at its place; anything newer, moved or never told
 * isn't. So what a failover would break can be named, entry by entry, also when
 * a peer has been away for an hour.
 *
 * Acknowledged is what arrived: a peer whose table is full, or that doesn't know
 * the backend, lacks it all the same, and only the digests show that. They name a
 * region, and a repair has the peer tell what it holds of it: that is exact. So
 *
 *   told -> held --its region is asked for--> doubted --not told by then--> lacking
 *            ^                                   |                             |
 *            +-- the peer tells of it, or all regions agree -------------------+
 *
 * Doubted counts as held: else every repair of a whole table would look like its
 * loss. An acknowledgement ends neither doubt nor lack, which are of that very
 * entry, not of its neighbours. What is told for the first time after that counts
 * as held once acknowledged, until its region is asked for again: where a few
 * entries don't fit most others do. Only who proves (prover.h) hears of it.
 *
 * What the peer told us itself isn't told back: that it told is as good. What
 * other peers told us (LBD_CONN_REMOTE) they tell it as well: it counts as held
 * once the peer has acknowledged everything since it was last seen to boot.
 *
 * A bucket is marked for one of its entries. The others were mostly told before
 * just as they are: they needn't be told again (held_is_told).
 *
 * Written by the sync thread, read by the main thread at any time: single words.
 */
#ifndef SYNC_HELD_H
#define SYNC_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables.h"

struct held_slot {
	uint32_t print; /* and what is known of it, see below; 0: nothing */
	uint32_t state; /* age and flags that we told it with last; 0: unknown */
};

/*
 * Bits of a print: told is neither, held the first (as held_print makes it), doubted both, lacking
 * the second.
 */
#define HELD_ACKNOWLEDGED 1U
#define HELD_DOUBTED 2U
#define HELD_BITS (HELD_ACKNOWLEDGED | HELD_DOUBTED)

struct held {
	struct held_slot *slots; /* IPv4 first */
	uint32_t slots_count;
	uint64_t boot;	/* of the peer that they are of; 0 unknown */
	bool complete;	/* all that stood in the tables at its boot is acknowledged */
	bool doubts;	/* some are doubted or lacking; sync thread only */
	uint64_t acked; /* rows acknowledged since: who holds most */
};

/* 0 or -ENOMEM. Nothing is held. */
int held_init(struct held *held, const struct tables *tables);
void held_destroy(struct held *held);

/* The peer says which boot it is: another one holds nothing. */
void held_set_boot(struct held *held, uint64_t boot);

/* It lacks what it had acknowledged. */
void held_clear(struct held *held);

/*
 * Of everything that stands in the tables, but for the buckets that have a bit in
 * @marks (IPv4 first), it is known that the peer holds it.
 */
void held_assume(struct held *held, const struct tables *tables, const uint64_t *marks);

/* Whatever stands in a bucket, counted over both tables, is to be told again. */
void held_untell_bucket(struct held *held, uint32_t bucket);

/*
 * What the digests say of the entry at @place. Its region differs, and is being repaired: does the
 * peer hold it? The repair is over: if it hasn't told of it, it doesn't. All regions agree: it does.
 */
void held_doubt(struct held *held, uint32_t place, const struct table_entry *entry);
void held_deny(struct held *held, uint32_t place, const struct table_entry *entry);
void held_trust(struct held *held, uint32_t place, const struct table_entry *entry);

/* The place of a slot, and what stands for an entry there; never 0. */
static inline uint32_t held_place(const struct tables *tables, bool v6, uint32_t bucket,
				  uint32_t slot)
{
	return ((v6 ? tables->conn4_buckets : 0) + bucket) * LBD_BUCKET_SLOTS + slot;
}

uint32_t held_print(const struct table_entry *entry);

/* The place of a value word of the tables. */
uint32_t held_place_of(const struct tables *tables, bool v6, const __u64 *value);

/* What of an entry may change while it goes where it went; never 0 of one that is told. */
static inline uint32_t held_state(const struct table_entry *entry)
{
	return entry->tick << 8 | (uint32_t)(entry->flags >> 32 & 0xff);
}

/*
 * The peer holds what is printed at @place: it has told us of it, and has it with that backend,
 * whatever ours is.
 */
static inline void held_put(struct held *held, uint32_t place, uint32_t print)
{
	held->slots[place].state = 0;
	__atomic_store_n(&held->slots[place].print, print, __ATOMIC_RELAXED);
}

/* It was told the peer that @print stands at @place, in @state. Messages arrive in order, or the conversation ends. */
static inline void held_tell(struct held *held, uint32_t place, uint32_t print, uint32_t state)
{
	struct held_slot *slot = &held->slots[place];

	if ((slot->print | HELD_BITS) != (print | HELD_BITS))
		__atomic_store_n(&slot->print, print & ~HELD_ACKNOWLEDGED, __ATOMIC_RELAXED);
	slot->state = state;
}

/*
 * The peer has acknowledged what was told of @place, which may be another's by now, or is doubted:
 * then this is no answer.
 */
static inline void held_acknowledge(struct held *held, uint32_t place, uint32_t print)
{
	struct held_slot *slot = &held->slots[place];

	if ((slot->print | HELD_ACKNOWLEDGED) == print)
		__atomic_store_n(&slot->print, print, __ATOMIC_RELAXED);
}

/* What was told of @place may not have arrived. */
static inline void held_untell(struct held *held, uint32_t place)
{
	held->slots[place].state = 0;
}

/* Is just this the last that was told of @place? Then there is nothing to tell. Sync thread only. */
static inline bool held_is_told(const struct held *held, uint32_t place, uint32_t print,
				uint32_t state)
{
	const struct held_slot *slot = &held->slots[place];

	return (slot->print | HELD_BITS) == (print | HELD_BITS) && slot->state == state;
}

/* Something is put or looked for at @place, or beside it in its bucket, soon. */
static inline void held_prefetch(const struct held *held, uint32_t place)
{
	__builtin_prefetch(&held->slots[place], 1);
}

/* Does the peer hold what stands at @place? */
static inline bool held_has(const struct held *held, uint32_t place,
			    const struct table_entry *entry)
{
	const uint32_t found = __atomic_load_n(&held->slots[place].print, __ATOMIC_RELAXED);
	const uint32_t print = held_print(entry);

	if (found == print || found == (print | HELD_DOUBTED))
		return true;
	if (found == (print ^ HELD_BITS))
		return false; /* whoever else has told of it */
	return (entry->flags & LBD_CONN_REMOTE) &&
	       __atomic_load_n(&held->complete, __ATOMIC_RELAXED);
}

#endif
