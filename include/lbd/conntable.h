/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * The connection table: one text for the packet path and for user space.
 *
 * A table is an array of buckets of one cache line. A flow may stand in any of
 * the four slots of two candidate buckets; nothing is ever moved.
 *
 *   struct lbd_bucket                             64 bytes
 *   +--------+--------+--------+--------+--------+--------+--------+--------+
 *   | key 0  | key 1  | key 2  | key 3  | value0 | value1 | value2 | value3 |
 *   +--------+--------+--------+--------+--------+--------+--------+--------+
 *   IPv6: a second line follows with the client address of each slot:
 *   +-----------------+-----------------+-----------------+-----------------+
 *   | client 0        | client 1        | client 2        | client 3        |
 *   +-----------------+-----------------+-----------------+-----------------+
 *
 *   key    63            32 31          16 15           0
 *         | client address  | client port  | service id  |   IPv4
 *         | tag of client   | client port  | service id  |   IPv6
 *   value  63            40 39   32 31          16 15           0
 *         | age in ticks    | flags | VIP port     | backend     |
 *
 * Life of a slot, and who moves it on:
 *
 *            claim (CAS on the key)        publish (XCHG of the key)
 *   EMPTY or ----------------------> CLAIMED ------------------------> flow
 *   a victim                         (value and client written)         |
 *       ^                                                               |
 *       +------- claimed again as a victim, or dropped (CAS to 0) ------+
 *
 * A reader takes key and client, value, key and client again: a value between
 * two that differ may be another flow's, and two IPv6 clients may share a key.
 * A value is only ever changed by compare-and-swap, so a late refresh can't
 * land in a slot that has changed hands. Readers rely on loads staying in
 * order, which x86-64 guarantees.
 *
 * A program can't be killed between claim and publish; a process can. The two
 * claim with different words, so the next daemon can sweep exactly the claims
 * that a killed one left behind (lbd_bucket_sweep).
 */
#ifndef LBD_CONNTABLE_H
#define LBD_CONNTABLE_H

#include "lbd/mask.h"
#include "lbd/types.h"

#define LBD_BUCKET_SLOTS 4

#define LBD_KEY_EMPTY 0ULL
#define LBD_KEY_CLAIMED_BPF (~0ULL)
#define LBD_KEY_CLAIMED_USER (~1ULL)
/* Service ids stay below both claim words and above EMPTY. */
#define LBD_SERVICE_ID_MIN 1
#define LBD_SERVICE_ID_MAX 0xfff0

/*
 * Flags of a value. An entry that isn't CONFIRMED has shown one packet only, or
 * its last was an RST: CLOSING alone. Who sends one can't be told from who
 * pretends to, so a packet behind it brings the entry back: CONFIRMED again.
 */
#define LBD_CONN_CONFIRMED (1ULL << 32)
#define LBD_CONN_CLOSING (1ULL << 33) /* FIN or RST seen */
#define LBD_CONN_REMOTE (1ULL << 34)  /* learned from a peer, no packet seen here yet */
#define LBD_CONN_UDP (1ULL << 35)
#define LBD_CONN_NAT (7ULL << 36) /* attempt that found a NAT port, 0: none yet (lbd/nat.h) */
#define LBD_CONN_FLAGS (0xffULL << 32)

#define LBD_TICK_BITS 24
#define LBD_TICK_MASK ((1U << LBD_TICK_BITS) - 1)

/*
 * The words say in their names how they are packed, highest bits first: BTF
 * knows no more of them. Another packing, or another hash, is another name, and
 * is then refused instead of misread.
 */
typedef __u64 lbd_key_client32_port16_service16;
typedef __u64 lbd_value_age24_flags8_port16_backend16;

struct lbd_bucket {
	lbd_key_client32_port16_service16 key[LBD_BUCKET_SLOTS];
	lbd_value_age24_flags8_port16_backend16 value[LBD_BUCKET_SLOTS];
} __attribute__((aligned(64)));

struct lbd_bucket6 {
	struct lbd_bucket line;
	struct lbd_addr client[LBD_BUCKET_SLOTS];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct lbd_bucket) == 64, "a bucket is one cache line");
_Static_assert(sizeof(struct lbd_bucket6) == 128, "an IPv6 bucket is two cache lines");

/*
 * What identifies a flow in the table. @client is used for IPv6 only. The gap
 * has a name because verifiers before Linux 6.3 refuse to copy bytes of the
 * stack that nothing was written to, and only named members are written.
 */
struct lbd_flow {
	__u64 key;
	__be16 dport;
	__u16 unused[3];
	struct lbd_addr client;
};

/* Idle times in ticks after which an entry is the first to be displaced. */
struct lbd_timeouts {
	__u32 tcp;
	__u32 udp;
	__u32 closing;
	__u32 unconfirmed;
	__u32 guard; /* a newcomer never displaces a confirmed entry younger than this */
};

/* A secret of 128 bits: whoever doesn't know it can't aim at a bucket. */
struct lbd_secret {
	__u64 words[2];
};

/* The two candidate buckets of a flow; the clients are NULL in the IPv4 table. */
struct lbd_pair {
	struct lbd_bucket *bucket[2];
	struct lbd_addr *client[2];
};

#define LBD_READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define LBD_WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define LBD_CAS(ptr, old, new) __sync_val_compare_and_swap(ptr, old, new)
#ifdef __bpf__
#define LBD_XCHG(ptr, v) __sync_lock_test_and_set(ptr, v)
#else
#define LBD_XCHG(ptr, v) __atomic_exchange_n(ptr, v, __ATOMIC_SEQ_CST)
#endif

/*
 * The two shifts must differ: a second call would otherwise begin by undoing
 * what the first ended with, and clients that differ by little would crowd
 * into few buckets.
 */
LBD_INLINE __u64 lbd_mix(__u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 29;
	return x;
}

LBD_INLINE __u16 lbd_value_backend(__u64 value)
{
	return (__u16)value;
}

LBD_INLINE __be16 lbd_value_dport(__u64 value)
{
	return (__be16)(value >> 16);
}

LBD_INLINE __u32 lbd_value_nat(__u64 value)
{
	return (__u32)((value & LBD_CONN_NAT) >> 36);
}

LBD_INLINE __u64 lbd_value_with_nat(__u64 value, __u32 attempt)
{
	return (value & ~LBD_CONN_NAT) | ((__u64)attempt << 36 & LBD_CONN_NAT);
}

LBD_INLINE __u32 lbd_value_tick(__u64 value)
{
	return (__u32)(value >> (64 - LBD_TICK_BITS));
}

/*
 * Ticks since the value's last write, across the wrap of the counter. Two
 * clocks may disagree by a tick or two: a value from the near future is as good
 * as now. Only the near one: an entry that nothing has touched for months must
 * not turn young, which would guard its slot for months more.
 */
#define LBD_TICK_AHEAD_MAX 255U

LBD_INLINE __u32 lbd_value_idle(__u64 value, __u32 now)
{
	__u32 idle = (now - lbd_value_tick(value)) & LBD_TICK_MASK;

	return idle > LBD_TICK_MASK - LBD_TICK_AHEAD_MAX ? 0 : idle;
}

LBD_INLINE __u64 lbd_value_make(__u16 backend, __be16 dport, __u64 flags, __u32 tick)
{
	return (__u64)backend | (__u64)dport << 16 | (flags & LBD_CONN_FLAGS) |
	       (__u64)(tick & LBD_TICK_MASK) << (64 - LBD_TICK_BITS);
}

LBD_INLINE __u64 lbd_value_with_tick(__u64 value, __u32 tick)
{
	return (value & ~0ULL >> LBD_TICK_BITS) | (__u64)(tick & LBD_TICK_MASK)
							  << (64 - LBD_TICK_BITS);
}

LBD_INLINE _Bool lbd_key_is_flow(__u64 key)
{
	return key != LBD_KEY_EMPTY && key < LBD_KEY_CLAIMED_USER;
}

LBD_INLINE __u16 lbd_key_service(__u64 key)
{
	return (__u16)key;
}

LBD_INLINE __be16 lbd_key_port(__u64 key)
{
	return (__be16)(key >> 16);
}

/* The client address of an IPv4 key. */
LBD_INLINE __be32 lbd_key_client4(__u64 key)
{
	return (__be32)(key >> 32);
}

LBD_INLINE struct lbd_flow lbd_flow4(__be32 client, __be16 port, __u16 service, __be16 dport)
{
	struct lbd_flow flow = {
		.key = (__u64)client << 32 | (__u64)port << 16 | service,
		.dport = dport,
	};

	return flow;
}

LBD_INLINE struct lbd_flow lbd_flow6(const struct lbd_addr *client, __be16 port, __u16 service,
				     __be16 dport)
{
	__u64 tag = lbd_mix(client->halves[0] ^ lbd_mix(client->halves[1]));
	struct lbd_flow flow = {
		.key = tag << 32 | (__u64)port << 16 | service,
		.dport = dport,
		.client = *client,
	};

	return flow;
}

/* Both candidate buckets come from one hash: low and high half, masked. */
LBD_INLINE __u64 lbd_flow_hash(const struct lbd_flow *flow, _Bool v6,
			       const struct lbd_secret *secret)
{
	__u64 x = lbd_mix(flow->key ^ secret->words[0]) ^ secret->words[1] ^ flow->dport;

	if (v6)
		x = lbd_mix(x ^ flow->client.halves[0]) + flow->client.halves[1];
	return lbd_mix(x);
}

LBD_INLINE __u32 lbd_flow_bucket(__u64 hash, int which, __u32 mask)
{
	return (which ? (__u32)(hash >> 32) : (__u32)hash) & mask;
}

/* Read where it stands: a compiler that read the client early would match an older one. */
LBD_INLINE _Bool lbd_client_equal(const struct lbd_addr *client, const struct lbd_addr *other)
{
	return LBD_READ_ONCE(client->halves[0]) == other->halves[0] &&
	       LBD_READ_ONCE(client->halves[1]) == other->halves[1];
}

/* Whose slot it is: asked before its value is read and after. */
LBD_INLINE _Bool lbd_slot_is(const struct lbd_bucket *bucket, const struct lbd_addr *client,
			     __u32 i, const struct lbd_flow *flow)
{
	return LBD_READ_ONCE(bucket->key[i]) == flow->key &&
	       (!client || lbd_client_equal(&client[i], &flow->client));
}

LBD_INLINE _Bool lbd_bucket_match(const struct lbd_bucket *bucket, const struct lbd_addr *client,
				  __u32 i, const struct lbd_flow *flow, __u64 *ret_value)
{
	__u64 value;

	if (!lbd_slot_is(bucket, client, i, flow))
		return 0;
	value = LBD_READ_ONCE(bucket->value[i]);
	if (lbd_value_dport(value) != flow->dport)
		return 0;
	*ret_value = value;
	return lbd_slot_is(bucket, client, i, flow);
}

/* Find @flow in one bucket. Returns the slot, or LBD_BUCKET_SLOTS. */
LBD_INLINE __u32 lbd_bucket_find(const struct lbd_bucket *bucket, const struct lbd_addr *client,
				 const struct lbd_flow *flow, __u64 *ret_value)
{
#pragma GCC unroll 4
	for (__u32 i = 0; i < LBD_BUCKET_SLOTS; i++)
		if (lbd_bucket_match(bucket, client, i, flow, ret_value))
			return i;
	return LBD_BUCKET_SLOTS;
}

LBD_INLINE __u32 lbd_value_timeout(__u64 value, const struct lbd_timeouts *timeouts)
{
	if (!(value & LBD_CONN_CONFIRMED))
		return timeouts->unconfirmed;
	if (value & LBD_CONN_CLOSING)
		return timeouts->closing;
	return value & LBD_CONN_UDP ? timeouts->udp : timeouts->tcp;
}

LBD_INLINE _Bool lbd_value_expired(__u64 value, __u32 now, const struct lbd_timeouts *timeouts)
{
	return lbd_value_idle(value, now) > lbd_value_timeout(value, timeouts);
}

/* How dear a slot is: empty, expired, unconfirmed, oldest; claimed never. */
#define LBD_RANK_EMPTY 0ULL
#define LBD_RANK_EXPIRED (1ULL << 24)
#define LBD_RANK_UNCONFIRMED (2ULL << 24)
#define LBD_RANK_CONFIRMED (3ULL << 24)
#define LBD_RANK_NEVER (4ULL << 24)

/* lbd_value_timeout, by masks. */
LBD_INLINE __u64 lbd_slot_timeout(__u64 value, const struct lbd_timeouts *timeouts)
{
	__u64 timeout =
		lbd_select(lbd_mask_zero(value & LBD_CONN_UDP), timeouts->tcp, timeouts->udp);

	timeout = lbd_select(lbd_mask_zero(value & LBD_CONN_CLOSING), timeout, timeouts->closing);
	return lbd_select(lbd_mask_zero(value & LBD_CONN_CONFIRMED), timeouts->unconfirmed,
			  timeout);
}

LBD_INLINE __u64 lbd_slot_rank(__u64 key, __u64 value, __u32 now,
			       const struct lbd_timeouts *timeouts)
{
	__u64 ahead = (now - lbd_value_tick(value)) & LBD_TICK_MASK;
	__u64 idle = ahead &
		     ~lbd_mask_less(LBD_TICK_MASK - LBD_TICK_AHEAD_MAX, ahead); /* lbd_value_idle */
	__u64 youth = LBD_TICK_MASK - idle;
	__u64 rank = lbd_select(lbd_mask_less(idle, timeouts->guard), LBD_RANK_NEVER,
				LBD_RANK_CONFIRMED + youth);

	rank = lbd_select(lbd_mask_zero(value & LBD_CONN_CONFIRMED), LBD_RANK_UNCONFIRMED + youth,
			  rank);
	rank = lbd_select(lbd_mask_less(lbd_slot_timeout(value, timeouts), idle),
			  LBD_RANK_EXPIRED + youth, rank);
	rank = lbd_select(lbd_mask_zero(~key >> 1), LBD_RANK_NEVER, rank); /* claimed */
	return lbd_select(lbd_mask_zero(key), LBD_RANK_EMPTY, rank);
}

/*
 * Remove a second entry of the same flow: two writers may have entered it at
 * once. Each looks after it published, and the later slot goes.
 */
LBD_INLINE void lbd_pair_dedupe(const struct lbd_pair *pair, const struct lbd_flow *flow)
{
	_Bool seen = 0;
	__u64 value;

#pragma GCC unroll 8
	for (__u32 n = 0; n < 2 * LBD_BUCKET_SLOTS; n++) {
		__u32 b = n / LBD_BUCKET_SLOTS, i = n % LBD_BUCKET_SLOTS;

		if (b && pair->bucket[0] == pair->bucket[1])
			return;
		if (!lbd_bucket_match(pair->bucket[b], pair->client[b], i, flow, &value))
			continue;
		if (seen)
			LBD_CAS(&pair->bucket[b]->key[i], flow->key, LBD_KEY_EMPTY);
		seen = 1;
	}
}

/* Write @flow and @value into slot @i, which holds @old. False: another was faster. */
LBD_INLINE _Bool lbd_bucket_take(struct lbd_bucket *bucket, struct lbd_addr *client, __u32 i,
				 __u64 old, const struct lbd_flow *flow, __u64 value, __u64 claim)
{
	if (LBD_CAS(&bucket->key[i], old, claim) != old)
		return 0;
	if (client)
		client[i] = flow->client;
	LBD_WRITE_ONCE(bucket->value[i], value);
	LBD_XCHG(&bucket->key[i], flow->key);
	return 1;
}

/* The cheapest slot so far: 0..3 of the first bucket, 4..7 of the second. */
struct lbd_choice {
	__u64 rank;
	__u64 slot;
	__u64 key; /* it holds, or 0 */
};

/*
 * An empty slot costs as much as its bucket is full, so that hardly a flow
 * finds both buckets full before the table is. The second bucket costs two
 * more: it is worth its cache miss only when the first one gets crowded.
 */
#define LBD_SECOND_BUCKET_COST 2

LBD_INLINE __u64 lbd_bucket_fullness(const struct lbd_bucket *bucket)
{
	__u64 full = LBD_BUCKET_SLOTS;

#pragma GCC unroll 4
	for (__u32 i = 0; i < LBD_BUCKET_SLOTS; i++)
		full += lbd_mask_zero(LBD_READ_ONCE(bucket->key[i])); /* all ones is -1 */
	return full;
}

/*
 * Whoever inserts says where the timeouts of a slot's flow are: by its service,
 * or the same for all. Everything here is inlined, so it costs no call.
 */
typedef const struct lbd_timeouts *(*lbd_timeouts_of)(const void *context, __u16 service);

LBD_INLINE const struct lbd_timeouts *lbd_timeouts_same(const void *context, __u16 service)
{
	(void)service;
	return context;
}

LBD_INLINE void lbd_bucket_choose(const struct lbd_bucket *bucket, __u32 first, __u32 now,
				  lbd_timeouts_of of, const void *context,
				  struct lbd_choice *choice)
{
	const __u64 cost = lbd_bucket_fullness(bucket) + (first ? LBD_SECOND_BUCKET_COST : 0);

#pragma GCC unroll 1
	for (__u32 i = 0; i < LBD_BUCKET_SLOTS; i++) {
		__u64 key = LBD_READ_ONCE(bucket->key[i]);
		__u64 value = LBD_READ_ONCE(bucket->value[i]);
		__u64 rank = lbd_slot_rank(key, value, now, of(context, lbd_key_service(key))) +
			     (cost & lbd_mask_zero(key));
		__u64 better = lbd_mask_less(rank, choice->rank);

		choice->rank = lbd_select(better, rank, choice->rank);
		choice->slot = lbd_select(better, first + i, choice->slot);
		choice->key = lbd_select(better, key, choice->key);
	}
}

/*
 * Enter a flow that lbd_bucket_find() did not find. Takes the cheapest slot of
 * both buckets: empty, expired, unconfirmed, oldest. @claim says who writes.
 * Returns false if no slot may be taken or another writer was faster; the
 * flow is then simply not in the table.
 */
LBD_INLINE _Bool lbd_pair_insert_aged(const struct lbd_pair *pair, const struct lbd_flow *flow,
				      __u64 value, __u32 now, lbd_timeouts_of of,
				      const void *context, __u64 claim)
{
	/* No slot yet, so any number: of one that it knows a verifier would try both choices. */
	struct lbd_choice choice = { .rank = LBD_RANK_NEVER, .slot = now };
	_Bool taken;

	lbd_bucket_choose(pair->bucket[0], 0, now, of, context, &choice);
	lbd_bucket_choose(pair->bucket[1], LBD_BUCKET_SLOTS, now, of, context, &choice);
	if (choice.rank == LBD_RANK_NEVER)
		return 0;
	if (choice.slot < LBD_BUCKET_SLOTS)
		taken = lbd_bucket_take(pair->bucket[0], pair->client[0], choice.slot & 3,
					choice.key, flow, value, claim);
	else
		taken = lbd_bucket_take(pair->bucket[1], pair->client[1], choice.slot & 3,
					choice.key, flow, value, claim);
	if (taken)
		lbd_pair_dedupe(pair, flow);
	return taken;
}

/* The same where all flows have the same timeouts. */
LBD_INLINE _Bool lbd_pair_insert(const struct lbd_pair *pair, const struct lbd_flow *flow,
				 __u64 value, __u32 now, const struct lbd_timeouts *timeouts,
				 __u64 claim)
{
	return lbd_pair_insert_aged(pair, flow, value, now, lbd_timeouts_same, timeouts, claim);
}

/* Free what a killed process left claimed. Returns how many slots. */
LBD_INLINE __u32 lbd_bucket_sweep(struct lbd_bucket *bucket)
{
	__u32 swept = 0;

	for (__u32 i = 0; i < LBD_BUCKET_SLOTS; i++)
		if (LBD_READ_ONCE(bucket->key[i]) == LBD_KEY_CLAIMED_USER &&
		    LBD_CAS(&bucket->key[i], LBD_KEY_CLAIMED_USER, LBD_KEY_EMPTY) ==
			    LBD_KEY_CLAIMED_USER)
			swept++;
	return swept;
}

#endif
