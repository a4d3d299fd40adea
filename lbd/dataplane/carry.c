// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/carry.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "dataplane/tables_nat.h"

#define CARRY_READ_TRIES 16
#define CARRY_AHEAD 8	      /* buckets whose places are fetched before they are needed */
#define CARRY_BUCKET_MAX 1024 /* bytes, of any layout */

static size_t carry_size(const struct carry *carry)
{
	return (size_t)carry->from.bucket_size * carry->from.buckets;
}

int carry_open(struct carry *carry, const struct carry_source *from, const struct carry_target *to,
	       bool keep)
{
	void *seen = NULL;

	if (from->bucket_size > CARRY_BUCKET_MAX)
		return -EPROTO;
	*carry = (struct carry){ .from = *from, .to = *to };
	if (!keep)
		return 0;
	seen = mmap(NULL, carry_size(carry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (seen == MAP_FAILED)
		return -errno;
	carry->seen = seen;
	return 0;
}

void carry_close(struct carry *carry)
{
	if (carry->seen)
		munmap(carry->seen, carry_size(carry));
	carry->seen = NULL;
}

/* --- reading the old table */

static const uint8_t *carry_at(const struct carry *carry, uint32_t bucket)
{
	return carry->from.memory + (size_t)bucket * carry->from.bucket_size;
}

/*
 * A bucket in one piece. Twice the same is as it stood: a slot that changes
 * hands holds a claim in between. False: it is written to all the time.
 */
static bool carry_read(const struct carry *carry, uint32_t bucket, uint8_t *raw)
{
	const uint8_t *at = carry_at(carry, bucket);

	for (int i = 0; i < CARRY_READ_TRIES; i++) {
		memcpy(raw, at, carry->from.bucket_size);
		__asm__ volatile("" ::: "memory");
		if (!memcmp(raw, at, carry->from.bucket_size))
			return true;
	}
	return false;
}

static void carry_shape(const struct carry *carry, const uint8_t *raw, struct lbd_bucket6 *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (carry->from.convert)
		carry->from.convert(carry->from.context, raw, ret);
	else if (carry->to.both)
		memcpy(ret, raw, sizeof(*ret));
	else
		memcpy(&ret->line, raw, sizeof(ret->line));
}

/* --- an entry and its place in the new table */

struct carry_entry {
	struct lbd_flow flow;
	uint64_t value;
	const uint64_t
		*base; /* what it was when it was carried before; NULL: it wasn't, or who knows */
	struct lbd_pair pair;
	uint32_t bucket[2];
};

static void carry_place(const struct carry_target *to, struct carry_entry *entry)
{
	const uint64_t hash = lbd_flow_hash(&entry->flow, to->both, &to->tables->secret);

	for (int i = 0; i < 2; i++) {
		const uint32_t b = lbd_flow_bucket(hash, i, to->buckets - 1);

		entry->bucket[i] = b;
		entry->pair.bucket[i] = to->both ? &to->both[b].line : &to->lines[b];
		entry->pair.client[i] = to->both ? to->both[b].client : NULL;
	}
}

/* Entry @slot of a bucket. False: it holds none. */
static bool carry_entry(const struct carry *carry, const struct lbd_bucket6 *bucket, uint32_t slot,
			struct carry_entry *ret)
{
	if (!lbd_key_is_flow(bucket->line.key[slot]))
		return false;
	*ret = (struct carry_entry){
		.flow = { .key = bucket->line.key[slot],
			  .dport = lbd_value_dport(bucket->line.value[slot]) },
		.value = bucket->line.value[slot],
	};
	if (carry->to.both)
		ret->flow.client = bucket->client[slot];
	carry_place(&carry->to, ret);
	return true;
}

/* The entry's word in the new table, or NULL. *ret_bucket: which one it is in. */
static __u64 *carry_find(const struct carry_entry *entry, __u64 *ret_held, uint32_t *ret_bucket)
{
	for (int i = 0; i < 2; i++) {
		struct lbd_bucket *line = entry->pair.bucket[i];
		uint32_t slot =
			lbd_bucket_find(line, entry->pair.client[i], &entry->flow, ret_held);

		*ret_bucket = entry->bucket[i];
		if (slot < LBD_BUCKET_SLOTS)
			return &line->value[slot];
	}
	return NULL;
}

static const struct lbd_timeouts *carry_timeouts(const void *context, __u16 service)
{
	static const struct lbd_timeouts never = { LBD_TICK_MASK, LBD_TICK_MASK, LBD_TICK_MASK,
						   LBD_TICK_MASK, 0 };
	const struct carry_target *to = context;

	return to->ageless ? &never : tables_timeouts(to->tables, service);
}

static struct lbd_choice carry_choose(const struct carry_target *to,
				      const struct carry_entry *entry, uint32_t now)
{
	struct lbd_choice choice = { .rank = LBD_RANK_NEVER, .slot = 0 };

	lbd_bucket_choose(entry->pair.bucket[0], 0, now, carry_timeouts, to, &choice);
	lbd_bucket_choose(entry->pair.bucket[1], LBD_BUCKET_SLOTS, now, carry_timeouts, to,
			  &choice);
	return choice;
}

/* Into an empty slot, or the cheapest, if that is cheaper than the entry. */
static bool carry_insert(struct carry *carry, const struct carry_entry *entry, bool alone)
{
	const struct carry_target *to = &carry->to;
	const uint32_t now = tables_now(to->tables), slots = LBD_BUCKET_SLOTS;
	const struct lbd_timeouts *timeouts = carry_timeouts(to, lbd_key_service(entry->flow.key));
	struct lbd_choice choice = carry_choose(to, entry, now);

	if (alone && choice.rank >= LBD_RANK_EXPIRED && carry_make_room(carry, entry->bucket))
		choice = carry_choose(to, entry, now);
	if (choice.rank == LBD_RANK_NEVER)
		return false;
	if (choice.key &&
	    choice.rank >= lbd_slot_rank(entry->flow.key, entry->value, now, timeouts))
		return false;
	if (!lbd_bucket_take(entry->pair.bucket[choice.slot / slots],
			     entry->pair.client[choice.slot / slots], choice.slot % slots,
			     choice.key, &entry->flow, entry->value, LBD_KEY_CLAIMED_USER))
		return false;
	lbd_pair_dedupe(&entry->pair, &entry->flow);
	return true;
}

/* --- what an entry becomes that both tables have */

static bool carry_same_way(uint64_t a, uint64_t b)
{
	return lbd_value_backend(a) == lbd_value_backend(b) && lbd_value_nat(a) == lbd_value_nat(b);
}

/*
 * Both programs have written. What the new one left alone is the old one's. Of
 * what it did write, the younger stands; within a tick, a flow goes where the
 * old one sent its first packets, and what either saw of it holds.
 */
static uint64_t carry_join(const struct carry_entry *entry, uint64_t held, uint32_t now)
{
	const uint64_t seen = entry->value & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING);

	if (entry->base && held == *entry->base)
		return entry->value;
	if (lbd_value_idle(held, now) < lbd_value_idle(entry->value, now))
		return held;
	if (!carry_same_way(held, entry->value))
		return entry->value;
	return (lbd_value_with_tick(held, lbd_value_tick(entry->value)) | seen) &
	       (entry->value | ~LBD_CONN_REMOTE);
}

/* Lost to the packet path: what it wrote since is newer. */
static void carry_update(const struct carry_entry *entry, __u64 *word, __u64 held, bool alone,
			 uint32_t now)
{
	const uint64_t value = alone ? entry->value : carry_join(entry, held, now);

	if (value != held)
		LBD_CAS(word, held, value);
}

/* --- with its way back */

static bool carry_has_way(const struct carry_target *to, const struct carry_entry *entry,
			  struct table_entry *ret)
{
	const uint64_t key = entry->flow.key;

	if (!to->ways || !(entry->value & LBD_CONN_NAT))
		return false;
	*ret = (struct table_entry){
		.client = to->both ? entry->flow.client : lbd_addr_from4(lbd_key_client4(key)),
		.client_port = lbd_key_port(key),
		.vip_port = entry->flow.dport,
		.service = lbd_key_service(key),
		.backend = lbd_value_backend(entry->value),
		.flags = entry->value & LBD_CONN_FLAGS,
		.tick = lbd_value_tick(entry->value),
	};
	return tables_nat_concerns(to->tables, ret);
}

static bool carry_enter(struct carry *carry, const struct carry_entry *entry, bool alone)
{
	__u64 *word, held = 0;
	uint32_t bucket;

	word = carry_find(entry, &held, &bucket);
	if (!word)
		return carry_insert(carry, entry, alone);
	carry_update(entry, word, held, alone, tables_now(carry->to.tables));
	return true;
}

/* The entry first, as in the packet path: who looks at its way finds it in use. */
static bool carry_put(struct carry *carry, const struct carry_entry *entry, bool alone)
{
	struct table_entry described;
	struct tables_way way;

	if (!carry_has_way(&carry->to, entry, &described))
		return carry_enter(carry, entry, alone);
	if (!tables_nat_find(carry->to.tables, &described, &way) ||
	    !carry_enter(carry, entry, alone))
		return false;
	tables_nat_take(&way, &entry->flow);
	return true;
}

/* --- passes */

static bool carry_same_flow(const struct lbd_bucket6 *a, const struct lbd_bucket6 *b, uint32_t slot)
{
	return a->line.key[slot] == b->line.key[slot] &&
	       lbd_addr_equal(&a->client[slot], &b->client[slot]) &&
	       lbd_value_dport(a->line.value[slot]) == lbd_value_dport(b->line.value[slot]);
}

static uint64_t carry_changes(struct carry *carry, const uint8_t *raw, const uint8_t *before,
			      bool alone)
{
	struct lbd_bucket6 now, then;
	struct carry_entry entry;
	uint64_t count = 0;

	carry_shape(carry, raw, &now);
	carry_shape(carry, before, &then);
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++) {
		const bool same = carry_same_flow(&now, &then, slot);

		if (same && now.line.value[slot] == then.line.value[slot])
			continue;
		if (!carry_entry(carry, &now, slot, &entry))
			continue;
		entry.base = same ? (const uint64_t *)&then.line.value[slot] : NULL;
		carry_put(carry, &entry, alone);
		count++;
	}
	return count;
}

static uint64_t carry_bucket(struct carry *carry, uint32_t bucket, const uint8_t *before,
			     bool alone)
{
	uint8_t raw[CARRY_BUCKET_MAX];
	uint64_t count;

	if (!memcmp(carry_at(carry, bucket), before, carry->from.bucket_size))
		return 0;
	/* Not now: the next pass finds it. */
	if (!carry_read(carry, bucket, raw))
		return 1;
	count = carry_changes(carry, raw, before, alone);
	if (carry->seen)
		memcpy(carry->seen + (size_t)bucket * carry->from.bucket_size, raw,
		       carry->from.bucket_size);
	return count;
}

/* Have the places of a bucket's entries fetched from memory meanwhile. */
static void carry_fetch(const struct carry *carry, uint32_t bucket, const uint8_t *before)
{
	const uint8_t *at = carry_at(carry, bucket);
	struct carry_entry entry;
	struct lbd_bucket6 now;

	if (!memcmp(at, before, carry->from.bucket_size))
		return;
	carry_shape(carry, at, &now);
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++) {
		if (!carry_entry(carry, &now, slot, &entry))
			continue;
		for (int i = 0; i < 2; i++)
			__builtin_prefetch(entry.pair.bucket[i], 1);
		if (carry->to.both)
			__builtin_prefetch(entry.pair.client[0], 1);
	}
}

static const uint8_t *carry_before(const struct carry *carry, uint32_t bucket)
{
	static const uint8_t empty[CARRY_BUCKET_MAX];

	return carry->seen ? carry->seen + (size_t)bucket * carry->from.bucket_size : empty;
}

uint64_t carry_pass(struct carry *carry, bool alone)
{
	const uint32_t buckets = carry->from.buckets;
	uint64_t count = 0;

	for (uint32_t b = 0; b < buckets; b++) {
		if (b + CARRY_AHEAD < buckets)
			carry_fetch(carry, b + CARRY_AHEAD, carry_before(carry, b + CARRY_AHEAD));
		count += carry_bucket(carry, b, carry_before(carry, b), alone);
		__atomic_store_n(&carry->bucket, b + 1, __ATOMIC_RELAXED);
	}
	return count;
}

/* --- all entries, changed or not */

typedef void (*carry_visit)(const struct carry *carry, const struct carry_entry *entry,
			    void *context);

static void carry_visit_bucket(const struct carry *carry, uint32_t bucket, carry_visit visit,
			       void *context)
{
	uint8_t raw[CARRY_BUCKET_MAX];
	struct carry_entry entry;
	struct lbd_bucket6 now;

	/* Written to up to the last try: as it came out is good enough for these. */
	carry_read(carry, bucket, raw);
	carry_shape(carry, raw, &now);
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (carry_entry(carry, &now, slot, &entry))
			visit(carry, &entry, context);
}

static void carry_walk(const struct carry *carry, carry_visit visit, void *context)
{
	static const uint8_t empty[CARRY_BUCKET_MAX];

	for (uint32_t b = 0; b < carry->from.buckets; b++) {
		if (b + CARRY_AHEAD < carry->from.buckets)
			carry_fetch(carry, b + CARRY_AHEAD, empty);
		if (memcmp(carry_at(carry, b), empty, carry->from.bucket_size) != 0)
			carry_visit_bucket(carry, b, visit, context);
	}
}

/* Peers shall hear of it, if anybody is told of this table's entries. */
static void carry_mark_entry(const struct carry *carry, const struct carry_entry *entry,
			     void *context)
{
	uint32_t at = 0;
	__u64 held;

	(void)context;
	if (carry->to.dirty && carry_find(entry, &held, &at))
		__atomic_fetch_or(&carry->to.dirty[at / 64], 1ULL << at % 64, __ATOMIC_RELAXED);
}

static void carry_prove_entry(const struct carry *carry, const struct carry_entry *entry,
			      void *context)
{
	uint32_t bucket;
	__u64 held;

	if (carry_find(entry, &held, &bucket))
		return;
	carry_put(context, entry, false);
	carry_mark_entry(carry, entry, NULL);
}

void carry_prove(struct carry *carry)
{
	carry_walk(carry, carry_prove_entry, carry);
}

struct carry_counting {
	struct carry *carry;
	bool alone;
	struct carry_count *count;
};

static void carry_count_entry(const struct carry *carry, const struct carry_entry *entry,
			      void *context)
{
	const struct lbd_timeouts *timeouts =
		carry_timeouts(&carry->to, lbd_key_service(entry->flow.key));
	const struct carry_counting *counting = context;
	struct carry_count *count = counting->count;
	uint32_t bucket;
	__u64 held;

	count->entries++;
	if (carry_find(entry, &held, &bucket) ||
	    (counting->alone && carry_put(counting->carry, entry, true)))
		return;
	if (entry->value & LBD_CONN_CONFIRMED &&
	    !lbd_value_expired(entry->value, tables_now(carry->to.tables), timeouts))
		count->live++;
	else
		count->idle++;
}

void carry_count(struct carry *carry, bool alone, struct carry_count *count)
{
	struct carry_counting counting = { carry, alone, count };

	carry_walk(carry, carry_count_entry, &counting);
}

/* --- bits of buckets */

void carry_mark(const struct carry *carry, const uint64_t *dirty)
{
	if (!carry->to.dirty)
		return;
	for (uint32_t word = 0; word < carry->from.buckets / 64; word++)
		for (uint64_t bits = LBD_READ_ONCE(dirty[word]); bits; bits &= bits - 1)
			carry_visit_bucket(carry, word * 64 + (uint32_t)__builtin_ctzll(bits),
					   carry_mark_entry, NULL);
}
