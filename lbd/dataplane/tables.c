// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/tables.h"

#include <stddef.h>
#include <time.h>

#include "dataplane/tables_nat.h"
#include "lbd/maps.h"

#define MS_NS 1000000LL

/* As fine as jiffies, which the packet path has its ticks from, and read without the hardware's clock. */
static int64_t tables_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000 * MS_NS + now.tv_nsec;
}

static int64_t tables_tick_at(const struct tables *tables, int64_t ns)
{
	return (ns - tables->tick_base_ns) / tables->tick_ns;
}

uint32_t tables_now(const struct tables *tables)
{
	return (uint32_t)tables_tick_at(tables, tables_clock_ns()) & LBD_TICK_MASK;
}

uint64_t tables_ticks_since(const struct tables *tables, int64_t then_us)
{
	int64_t ticks = tables_tick_at(tables, tables_clock_ns()) -
			tables_tick_at(tables, then_us * (MS_NS / 1000));

	return ticks > 0 ? (uint64_t)ticks : 0;
}

uint64_t tables_ticks_ms(const struct tables *tables, uint64_t ticks)
{
	return ticks * tables->tick_ns / MS_NS;
}

uint32_t tables_age_ms(const struct tables *tables, uint64_t value, uint32_t now)
{
	return (uint32_t)((uint64_t)lbd_value_idle(value, now) * tables->tick_ns / MS_NS);
}

uint32_t tables_tick_of_age(const struct tables *tables, uint32_t age_ms, uint32_t now)
{
	uint64_t idle = (uint64_t)age_ms * MS_NS / tables->tick_ns;

	if (idle > LBD_TICK_MASK / 2)
		idle = LBD_TICK_MASK / 2;
	return (now - (uint32_t)idle) & LBD_TICK_MASK;
}

const struct lbd_timeouts *tables_timeouts(const struct tables *tables, uint16_t service)
{
	const struct lbd_service *services;

	if (!tables->control || service >= tables->control->limits.services)
		return &tables->timeouts;
	services = tables->services +
		   (LBD_READ_ONCE(tables->control->active) & 1) * tables->control->limits.services;
	return services[service].used ? &services[service].timeouts : &tables->timeouts;
}

bool tables_expired(const struct tables *tables, uint16_t service, uint64_t value, uint32_t now)
{
	return lbd_value_expired(value, now, tables_timeouts(tables, service));
}

static const struct lbd_timeouts *tables_timeouts_of(const void *tables, uint16_t service)
{
	return tables_timeouts(tables, service);
}

static void tables_decode(uint64_t key, uint64_t value, struct table_entry *ret)
{
	ret->client_port = lbd_key_port(key);
	ret->service = lbd_key_service(key);
	ret->vip_port = lbd_value_dport(value);
	ret->backend = lbd_value_backend(value);
	ret->flags = value & LBD_CONN_FLAGS;
	ret->tick = lbd_value_tick(value);
}

bool tables_read4(const struct tables *tables, uint32_t bucket, uint32_t slot,
		  struct table_entry *ret)
{
	const struct lbd_bucket *line = &tables->conn4[bucket];
	uint64_t key = LBD_READ_ONCE(line->key[slot]), value;

	if (!lbd_key_is_flow(key))
		return false;
	value = LBD_READ_ONCE(line->value[slot]);
	if (LBD_READ_ONCE(line->key[slot]) != key)
		return false;
	tables_decode(key, value, ret);
	ret->client = lbd_addr_from4(lbd_key_client4(key));
	return true;
}

bool tables_read6(const struct tables *tables, uint32_t bucket, uint32_t slot,
		  struct table_entry *ret)
{
	const struct lbd_bucket6 *both = &tables->conn6[bucket];
	uint64_t key = LBD_READ_ONCE(both->line.key[slot]), value;
	struct lbd_addr client;

	if (!lbd_key_is_flow(key))
		return false;
	client.halves[0] = LBD_READ_ONCE(both->client[slot].halves[0]);
	client.halves[1] = LBD_READ_ONCE(both->client[slot].halves[1]);
	value = LBD_READ_ONCE(both->line.value[slot]);
	if (LBD_READ_ONCE(both->line.key[slot]) != key ||
	    !lbd_client_equal(&both->client[slot], &client))
		return false;
	tables_decode(key, value, ret);
	ret->client = client;
	return true;
}

void tables_walk(const struct tables *tables,
		 bool (*visit)(void *context, const struct table_entry *), void *context)
{
	struct table_entry entry;

	for (uint32_t b = 0; b < tables->conn4_buckets; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			if (tables_read4(tables, b, s, &entry) && !visit(context, &entry))
				return;
	for (uint32_t b = 0; b < tables->conn6_buckets; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			if (tables_read6(tables, b, s, &entry) && !visit(context, &entry))
				return;
}

static uint32_t tables_count_line(const struct lbd_bucket *line)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
		count += lbd_key_is_flow(LBD_READ_ONCE(line->key[s]));
	return count;
}

void tables_count(const struct tables *tables, uint64_t *ret_ipv4, uint64_t *ret_ipv6)
{
	*ret_ipv4 = *ret_ipv6 = 0;
	for (uint32_t b = 0; b < tables->conn4_buckets; b++)
		*ret_ipv4 += tables_count_line(&tables->conn4[b]);
	for (uint32_t b = 0; b < tables->conn6_buckets; b++)
		*ret_ipv6 += tables_count_line(&tables->conn6[b].line);
}

LBD_INLINE void tables_place4(const struct tables *tables, const struct table_entry *entry,
			      struct tables_place *ret)
{
	uint64_t hash;

	ret->flow = lbd_flow4(entry->client.words[3], entry->client_port, entry->service,
			      entry->vip_port);
	hash = lbd_flow_hash(&ret->flow, false, &tables->secret);
	for (int i = 0; i < 2; i++) {
		uint32_t b = lbd_flow_bucket(hash, i, tables->conn4_buckets - 1);

		ret->pair.bucket[i] = &tables->conn4[b];
		ret->pair.client[i] = NULL;
	}
}

LBD_INLINE void tables_place6(const struct tables *tables, const struct table_entry *entry,
			      struct tables_place *ret)
{
	uint64_t hash;

	ret->flow = lbd_flow6(&entry->client, entry->client_port, entry->service, entry->vip_port);
	hash = lbd_flow_hash(&ret->flow, true, &tables->secret);
	for (int i = 0; i < 2; i++) {
		uint32_t b = lbd_flow_bucket(hash, i, tables->conn6_buckets - 1);

		ret->pair.bucket[i] = &tables->conn6[b].line;
		ret->pair.client[i] = tables->conn6[b].client;
	}
}

LBD_INLINE void tables_place(const struct tables *tables, const struct table_entry *entry,
			     struct tables_place *ret)
{
	if (lbd_addr_is4(&entry->client))
		tables_place4(tables, entry, ret);
	else
		tables_place6(tables, entry, ret);
}

void tables_locate(const struct tables *tables, const struct table_entry *flow,
		   struct tables_place *ret)
{
	tables_place(tables, flow, ret);
}

/* The value word of the flow, or NULL; *ret_value is what it held. */
static __u64 *tables_value(const struct tables_place *place, __u64 *ret_value)
{
	for (int i = 0; i < 2; i++) {
		struct lbd_bucket *bucket = place->pair.bucket[i];
		uint32_t slot =
			lbd_bucket_find(bucket, place->pair.client[i], &place->flow, ret_value);

		if (slot < LBD_BUCKET_SLOTS)
			return &bucket->value[slot];
	}
	return NULL;
}

void tables_entry_of(const struct table_entry *flow, uint64_t value, struct table_entry *ret)
{
	*ret = *flow;
	ret->vip_port = lbd_value_dport(value);
	ret->backend = lbd_value_backend(value);
	ret->flags = value & LBD_CONN_FLAGS;
	ret->tick = lbd_value_tick(value);
}

bool tables_find(const struct tables *tables, const struct table_entry *flow,
		 struct table_entry *ret)
{
	struct tables_place place;
	__u64 value = 0;

	tables_place(tables, flow, &place);
	if (!tables_value(&place, &value))
		return false;
	tables_entry_of(flow, value, ret);
	return true;
}

__u64 *tables_find_value(const struct tables *tables, const struct table_entry *flow,
			 __u64 *ret_value)
{
	struct tables_place place;

	tables_place(tables, flow, &place);
	return tables_value(&place, ret_value);
}

/* By age alone. Within a tick what we know from a peer gives way to it: it tells in order. */
static bool tables_is_newer(uint64_t value, uint64_t held, uint32_t now)
{
	uint32_t slack = held & LBD_CONN_REMOTE ? 2 : 0;

	return lbd_value_idle(value, now) < lbd_value_idle(held, now) + slack;
}

/* Seen here, by packets, within the time that @claim is about? */
static bool tables_is_claimed(uint64_t held, uint32_t now, const struct tables_claim *claim)
{
	uint32_t idle = lbd_value_idle(held, now);

	return claim->standing && !(held & LBD_CONN_REMOTE) && idle <= claim->began &&
	       idle >= claim->ended;
}

/* By how many ticks @value is the younger; ages are whole ticks, so one is none. */
static int64_t tables_younger_by(uint64_t value, uint64_t held, uint32_t now)
{
	return (int64_t)lbd_value_idle(held, now) - (int64_t)lbd_value_idle(value, now);
}

static bool tables_is_same_time(uint64_t value, uint64_t held, uint32_t now)
{
	int64_t by = tables_younger_by(value, held, now);

	return by >= -1 && by <= 1;
}

/* Both were seen at the same time. Whoever compares them the other way round must say the same. */
static bool tables_prefers_at_once(uint64_t value, uint64_t held, uint32_t now,
				   const struct tables_claim *claim)
{
	bool told = held & LBD_CONN_REMOTE;

	if (told != claim->second_hand)
		return told;
	if ((value ^ held) & LBD_CONN_CLOSING)
		return value & LBD_CONN_CLOSING;
	if (lbd_value_backend(value) != lbd_value_backend(held))
		return claim->greater;
	return tables_younger_by(value, held, now) > 0;
}

bool tables_prefers(uint64_t value, uint64_t held, uint32_t now, const struct tables_claim *claim)
{
	if (!(held & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING)))
		return true;
	if (!claim)
		return tables_is_newer(value, held, now);
	if (tables_is_claimed(held, now, claim))
		return claim->standing > 0;
	if (tables_is_same_time(value, held, now))
		return tables_prefers_at_once(value, held, now, claim);
	return tables_younger_by(value, held, now) > 0;
}

/*
 * Of two versions of the same time the one that stands takes the younger age:
 * else rounding could keep two nodes of two minds, each with the younger one.
 */
static uint64_t tables_join(uint64_t value, uint64_t held, uint32_t now)
{
	if (!tables_is_same_time(value, held, now) || tables_younger_by(value, held, now) > 0)
		return value;
	return lbd_value_with_tick(value, lbd_value_tick(held));
}

enum tables_put tables_stand(__u64 *word, uint64_t held, uint64_t value, uint32_t now,
			     const struct tables_claim *claim)
{
	bool came = tables_prefers(value, held, now, claim);
	uint64_t stands = came ? value : held, other = came ? held : value;

	/* Lost to the packet path: what it wrote is newer than any record. */
	if (LBD_CAS(word, held, tables_join(stands, other, now)) != held)
		return TABLES_PUT_OLDER;
	return came ? TABLES_PUT_UPDATED : TABLES_PUT_OLDER;
}

static enum tables_put tables_enter(const struct tables *tables, const struct tables_place *place,
				    const struct table_entry *entry,
				    const struct tables_claim *claim, uint32_t now,
				    struct tables_stood *ret)
{
	uint64_t value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);
	__u64 held = 0;

	ret->word = tables_value(place, &held);
	ret->found = ret->word;
	ret->before = held;
	if (ret->found)
		return tables_stand(ret->word, held, value, now, claim);
	if (!lbd_pair_insert_aged(&place->pair, &place->flow, value, now, tables_timeouts_of,
				  tables, LBD_KEY_CLAIMED_USER))
		return TABLES_PUT_FULL;
	ret->word = tables_value(place, &held);
	return TABLES_PUT_ADDED;
}

enum tables_put tables_put_at(const struct tables *tables, const struct tables_place *place,
			      const struct table_entry *entry, const struct tables_claim *claim,
			      uint32_t now, struct tables_stood *ret)
{
	struct tables_way way;
	enum tables_put put;

	*ret = (struct tables_stood){ 0 };
	if (!tables_nat_concerns(tables, entry))
		return tables_enter(tables, place, entry, claim, now, ret);
	if (!tables_nat_find(tables, entry, &way))
		return TABLES_PUT_FULL;
	put = tables_enter(tables, place, entry, claim, now, ret);
	if (put == TABLES_PUT_ADDED || put == TABLES_PUT_UPDATED)
		tables_nat_take(&way, &place->flow);
	return put;
}

enum tables_put tables_put_claimed(const struct tables *tables, const struct table_entry *entry,
				   const struct tables_claim *claim)
{
	struct tables_place place;
	struct tables_stood stood;

	tables_place(tables, entry, &place);
	return tables_put_at(tables, &place, entry, claim, tables_now(tables), &stood);
}

enum tables_put tables_put(const struct tables *tables, const struct table_entry *entry)
{
	return tables_put_claimed(tables, entry, NULL);
}

uint32_t tables_sweep(const struct tables *tables)
{
	uint32_t swept = 0;

	for (uint32_t b = 0; b < tables->conn4_buckets; b++)
		swept += lbd_bucket_sweep(&tables->conn4[b]);
	for (uint32_t b = 0; b < tables->conn6_buckets; b++)
		swept += lbd_bucket_sweep(&tables->conn6[b].line);
	for (uint32_t b = 0; b < tables->nat4_buckets; b++)
		swept += lbd_bucket_sweep(&tables->nat4[b]);
	for (uint32_t b = 0; b < tables->nat6_buckets; b++)
		swept += lbd_bucket_sweep(&tables->nat6[b].line);
	for (uint32_t b = 0; b < tables->sticky_buckets; b++)
		swept += lbd_bucket_sweep(&tables->sticky[b].line);
	return swept;
}

/* --- ids in use */

/* Does the entry keep an id from being given to somebody else? */
static bool tables_refers(const struct tables_ids *gone, uint64_t key, uint64_t value)
{
	uint16_t service = lbd_key_service(key), backend = lbd_value_backend(value);

	return (service < gone->services_count && gone->services[service]) ||
	       (backend < gone->backends_count && gone->backends[backend]);
}

static uint32_t tables_release_line(const struct tables *tables, struct lbd_bucket *line,
				    const struct tables_ids *gone, uint32_t now)
{
	uint32_t released = 0;

	for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++) {
		uint64_t key = LBD_READ_ONCE(line->key[s]);
		uint64_t value = LBD_READ_ONCE(line->value[s]);

		if (lbd_key_is_flow(key) && tables_refers(gone, key, value) &&
		    tables_expired(tables, lbd_key_service(key), value, now) &&
		    LBD_CAS(&line->key[s], key, LBD_KEY_EMPTY) == key)
			released++;
	}
	return released;
}

uint32_t tables_release(const struct tables *tables, const struct tables_ids *gone)
{
	uint32_t now = tables_now(tables), released = 0;

	for (uint32_t b = 0; b < tables->conn4_buckets; b++)
		released += tables_release_line(tables, &tables->conn4[b], gone, now);
	for (uint32_t b = 0; b < tables->conn6_buckets; b++)
		released += tables_release_line(tables, &tables->conn6[b].line, gone, now);
	return released;
}

static bool tables_mark(void *context, const struct table_entry *entry)
{
	const struct tables_ids *used = context;

	if (entry->service < used->services_count)
		used->services[entry->service] = true;
	if (entry->backend < used->backends_count)
		used->backends[entry->backend] = true;
	return true;
}

void tables_mark_used(const struct tables *tables, struct tables_ids *used)
{
	tables_walk(tables, tables_mark, used);
}
