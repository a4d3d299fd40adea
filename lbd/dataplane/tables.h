/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection tables as user space sees them: the pinned arrays, mapped.
 * Plain memory: no syscall per entry. Needs no kernel for tests: point the
 * fields at any zeroed, 64-byte aligned memory.
 *
 * Readers: any thread. Writers: the packet path, and one thread of the daemon
 * (LBD_KEY_CLAIMED_USER). See include/lbd/conntable.h.
 */
#ifndef DATAPLANE_TABLES_H
#define DATAPLANE_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "lbd/maps.h"

struct tables {
	struct lbd_bucket *conn4;
	struct lbd_bucket6 *conn6;
	uint64_t *dirty4; /* one bit a bucket, set by the packet path, taken by sync */
	uint64_t *dirty6;
	struct lbd_bucket *nat4; /* the return tables (lbd/nat.h) */
	struct lbd_bucket6 *nat6;
	uint32_t conn4_buckets; /* powers of two, multiples of 64 */
	uint32_t conn6_buckets;
	uint32_t nat4_buckets;
	uint32_t nat6_buckets;
	struct lbd_bucket6 *sticky; /* clients and their last backend */
	uint32_t sticky_buckets;
	struct lbd_secret secret;
	struct lbd_timeouts timeouts;	       /* ticks; of services without their own */
	const struct lbd_control *control;     /* NULL: no service has timeouts of its own */
	const struct lbd_service *services;    /* both halves of limits.services */
	const struct lbd_control *nat_control; /* NULL: no service forwards by NAT */
	const struct lbd_backend *backends;    /* both halves of limits.backends */
	struct lbd_nat nat;		       /* of the running generation, as its ... */
	struct lbd_secret pick_secret;	       /* ... secret */
	uint32_t tick_ns;		       /* nanoseconds of a tick */
	int64_t tick_base_ns;		       /* tick 0 on CLOCK_MONOTONIC of this host */
};

/* The current tick, comparable with lbd_value_tick(). */
uint32_t tables_now(const struct tables *tables);

/* Whole ticks since the one that CLOCK_MONOTONIC @then_us was in, and ticks in milliseconds. */
uint64_t tables_ticks_since(const struct tables *tables, int64_t then_us);
uint64_t tables_ticks_ms(const struct tables *tables, uint64_t ticks);

/* Age of @value in milliseconds, and the tick of something @age_ms old. */
uint32_t tables_age_ms(const struct tables *tables, uint64_t value, uint32_t now);
uint32_t tables_tick_of_age(const struct tables *tables, uint32_t age_ms, uint32_t now);

/* What an entry of @service ages by. */
const struct lbd_timeouts *tables_timeouts(const struct tables *tables, uint16_t service);

/* Has an entry of @service with this value been idle for too long? */
bool tables_expired(const struct tables *tables, uint16_t service, uint64_t value, uint32_t now);

/* One entry, decoded. */
struct table_entry {
	struct lbd_addr client;
	__be16 client_port;
	__be16 vip_port;
	uint16_t service;
	uint16_t backend;
	uint64_t flags; /* LBD_CONN_* */
	uint32_t tick;
};

/* Decode slot @slot of a bucket. False: empty, claimed, or changing hands. */
bool tables_read4(const struct tables *tables, uint32_t bucket, uint32_t slot,
		  struct table_entry *ret);
bool tables_read6(const struct tables *tables, uint32_t bucket, uint32_t slot,
		  struct table_entry *ret);

/*
 * Call @visit for each entry of both tables. @visit returns false to stop.
 * Fast: 4M slots in about 10 ms when @visit is cheap.
 */
void tables_walk(const struct tables *tables,
		 bool (*visit)(void *context, const struct table_entry *), void *context);

/* Entries of each table, as the walk would visit them; faster. */
void tables_count(const struct tables *tables, uint64_t *ret_ipv4, uint64_t *ret_ipv6);

enum tables_put { TABLES_PUT_ADDED, TABLES_PUT_UPDATED, TABLES_PUT_OLDER, TABLES_PUT_FULL };

/* What a version of a connection that is put has to say against the one that stands. */
struct tables_claim {
	int standing;	  /* 1, -1: wins, loses against what was seen here in ...; 0: ages decide */
	uint64_t began;	  /* ... our term, so many ticks ago, and before ... */
	uint64_t ended;	  /* ... it ended, so many ticks ago */
	bool second_hand; /* who says so hasn't seen it either */
	bool greater;	  /* who says so has the greater name: for what else is equal */
};

/* Does @value take the place of @held, as PROTOCOL.md says? @claim may be NULL: by age alone. */
bool tables_prefers(uint64_t value, uint64_t held, uint32_t now, const struct tables_claim *claim);

/*
 * Leave in @word, which held @held, the version that stands, with the younger
 * age if both are of the same time. TABLES_PUT_UPDATED: it is @value.
 */
enum tables_put tables_stand(__u64 *word, uint64_t held, uint64_t value, uint32_t now,
			     const struct tables_claim *claim);

/*
 * Enter or update a replicated connection. An existing entry is changed only
 * if tables_prefers @entry (TABLES_PUT_OLDER otherwise). Doesn't set dirty
 * bits: what a peer told isn't told back. One that goes out by NAT gets its
 * way back as well; TABLES_PUT_FULL if another connection has it.
 */
enum tables_put tables_put_claimed(const struct tables *tables, const struct table_entry *entry,
				   const struct tables_claim *claim);

/* The same, by age alone. */
enum tables_put tables_put(const struct tables *tables, const struct table_entry *entry);

/*
 * The same in steps, for whoever enters many: where each may stand; those places fetched from
 * memory; and entering them there.
 */
struct tables_place {
	struct lbd_flow flow;
	struct lbd_pair pair;
};

/* What stood there before, and where the flow stands now. */
struct tables_stood {
	bool found;
	uint64_t before; /* if it was found: its value then */
	__u64 *word;	 /* NULL: nowhere */
};

void tables_locate(const struct tables *tables, const struct table_entry *flow,
		   struct tables_place *ret);

/*
 * To be called for many places in a row, with nothing between: the CPU waits for
 * the address of each, and does so for several only if they are close together.
 */
LBD_INLINE void tables_fetch(const struct tables_place *place)
{
	for (int i = 0; i < 2; i++) {
		__builtin_prefetch(place->pair.bucket[i], 1);
		if (place->pair.client[i])
			__builtin_prefetch(place->pair.client[i], 1);
	}
}

enum tables_put tables_put_at(const struct tables *tables, const struct tables_place *place,
			      const struct table_entry *entry, const struct tables_claim *claim,
			      uint32_t now, struct tables_stood *ret);

/* @flow's entry when its value was @value. */
void tables_entry_of(const struct table_entry *flow, uint64_t value, struct table_entry *ret);

/* Find the entry of a flow. False if there is none. */
bool tables_find(const struct tables *tables, const struct table_entry *flow,
		 struct table_entry *ret);

/* The value word of the flow, or NULL; *ret_value is what it held. */
__u64 *tables_find_value(const struct tables *tables, const struct table_entry *flow,
			 __u64 *ret_value);

/* Free the slots that a killed daemon left claimed; returns how many. */
uint32_t tables_sweep(const struct tables *tables);

/* A flag per service id and backend index. */
struct tables_ids {
	bool *services, *backends;
	uint32_t services_count, backends_count;
};

/*
 * Drop the expired entries of those ids that @gone marks, and return how many.
 * Nothing else removes an entry before its slot is wanted, and in a table with
 * room to spare that is never: the ids would stay taken for good.
 */
uint32_t tables_release(const struct tables *tables, const struct tables_ids *gone);

/* Mark in @used what any entry refers to. */
void tables_mark_used(const struct tables *tables, struct tables_ids *used);

#endif
