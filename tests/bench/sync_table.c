// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/sync_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/scene.h"

#define BUCKETS6 64 /* nothing comes by IPv6 here */
#define PORTS 16384

static void *sync_table_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int sync_table_make(const struct tables *like, uint64_t salt, struct tables *ret, struct error *err)
{
	*ret = *like;
	ret->conn4_buckets = SYNC_TABLE_BUCKETS;
	ret->conn6_buckets = BUCKETS6;
	ret->conn4 = sync_table_map(SYNC_TABLE_BUCKETS * sizeof(*ret->conn4));
	ret->conn6 = sync_table_map(BUCKETS6 * sizeof(*ret->conn6));
	ret->dirty4 = sync_table_map(SYNC_TABLE_BUCKETS / 8);
	ret->dirty6 = sync_table_map(BUCKETS6 / 8);
	ret->secret = (struct lbd_secret){ { salt, ~salt } };
	if (ret->conn4 && ret->conn6 && ret->dirty4 && ret->dirty6)
		return 0;
	return error_set(err, -ENOMEM, "no memory for a connection table");
}

void sync_table_clear(const struct tables *tables)
{
	memset(tables->conn4, 0, tables->conn4_buckets * sizeof(*tables->conn4));
	memset(tables->dirty4, 0, tables->conn4_buckets / 8);
}

static struct lbd_flow sync_table_flow(uint32_t n)
{
	return lbd_flow4(htonl(0xc6120000 + n / PORTS), htons((uint16_t)(1024 + n % PORTS)), 1,
			 htons(80));
}

static uint16_t sync_table_backend(uint32_t n)
{
	return (uint16_t)(1 + n % SCENE_BACKENDS);
}

static void sync_table_pair(const struct tables *tables, const struct lbd_flow *flow,
			    struct lbd_pair *ret)
{
	uint64_t hash = lbd_flow_hash(flow, false, &tables->secret);

	for (int i = 0; i < 2; i++)
		ret->bucket[i] =
			&tables->conn4[lbd_flow_bucket(hash, i, tables->conn4_buckets - 1)];
	ret->client[0] = ret->client[1] = NULL;
}

static void sync_table_mark(const struct tables *tables, const struct lbd_bucket *bucket)
{
	uint32_t at = (uint32_t)(bucket - tables->conn4);
	uint64_t bit = 1ULL << at % 64;

	if (!(LBD_READ_ONCE(tables->dirty4[at / 64]) & bit))
		__atomic_fetch_or(&tables->dirty4[at / 64], bit, __ATOMIC_SEQ_CST);
}

bool sync_table_enter(const struct tables *tables, uint32_t n)
{
	const struct lbd_flow flow = sync_table_flow(n);
	uint32_t now = tables_now(tables);
	uint64_t value = lbd_value_make(sync_table_backend(n), flow.dport, LBD_CONN_CONFIRMED, now);
	struct lbd_pair pair;
	__u64 found;

	sync_table_pair(tables, &flow, &pair);
	if (!lbd_pair_insert(&pair, &flow, value, now, &tables->timeouts, LBD_KEY_CLAIMED_BPF))
		return false;
	for (int i = 0; i < 2; i++)
		if (lbd_bucket_find(pair.bucket[i], NULL, &flow, &found) < LBD_BUCKET_SLOTS)
			sync_table_mark(tables, pair.bucket[i]);
	return true;
}

/*
 * So many flows' buckets are fetched from memory before the first is entered: the CPU overlaps
 * page walks only of prefetches that stand together.
 */
#define BLOCK 32

/* Inlined, as a compiler sees no use in a call that only prefetches. */
LBD_INLINE void sync_table_prefetch(const struct tables *tables, uint32_t n)
{
	const struct lbd_flow flow = sync_table_flow(n);
	struct lbd_pair pair;

	sync_table_pair(tables, &flow, &pair);
	__builtin_prefetch(pair.bucket[0], 1);
	__builtin_prefetch(pair.bucket[1], 1);
}

void sync_table_fill(const struct tables *tables, uint32_t count)
{
	for (uint32_t from = 0; from < count; from += BLOCK) {
		const uint32_t to = count - from < BLOCK ? count : from + BLOCK;

		for (uint32_t n = from; n < to; n++)
			sync_table_prefetch(tables, n);
		for (uint32_t n = from; n < to; n++)
			sync_table_enter(tables, n);
	}
}

static uint32_t sync_table_taken(const struct lbd_bucket *bucket)
{
	uint32_t taken = 0;

	for (int i = 0; i < LBD_BUCKET_SLOTS; i++)
		taken += LBD_READ_ONCE(bucket->key[i]) != LBD_KEY_EMPTY;
	return taken;
}

/*
 * There, or displaced: a newcomer that finds both of its buckets full takes the
 * oldest one's slot, and nothing is moved, though the other bucket of who had it
 * may have room. The digests bring that one back.
 */
static bool sync_table_told(const struct tables *tables, const struct lbd_flow *flow,
			    uint16_t backend)
{
	struct lbd_pair pair;
	bool full = false;
	__u64 found;

	sync_table_pair(tables, flow, &pair);
	for (int i = 0; i < 2; i++) {
		if (lbd_bucket_find(pair.bucket[i], NULL, flow, &found) < LBD_BUCKET_SLOTS)
			return lbd_value_backend(found) == backend;
		full |= sync_table_taken(pair.bucket[i]) == LBD_BUCKET_SLOTS;
	}
	return full;
}

bool sync_table_has(const struct tables *tables, uint32_t n)
{
	const struct lbd_flow flow = sync_table_flow(n);

	return sync_table_told(tables, &flow, sync_table_backend(n));
}

struct sync_table_comparison {
	const struct tables *to;
	uint64_t missing;
};

static bool sync_table_compare(void *context, const struct table_entry *entry)
{
	struct sync_table_comparison *comparison = context;
	const struct lbd_flow flow = lbd_flow4(entry->client.words[3], entry->client_port,
					       entry->service, entry->vip_port);

	if ((entry->flags & LBD_CONN_CONFIRMED) &&
	    !sync_table_told(comparison->to, &flow, entry->backend))
		comparison->missing++;
	return true;
}

uint64_t sync_table_missing(const struct tables *from, const struct tables *to)
{
	struct sync_table_comparison comparison = { .to = to };

	tables_walk(from, sync_table_compare, &comparison);
	return comparison.missing;
}
