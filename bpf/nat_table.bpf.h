/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The return table (lbd/nat.h) in the packet path: whose an answer is, and a
 * port for a flow that has none.
 *
 *   nat_route   find or make the flow's entry; then for each attempt: write it
 *               into the entry, claim its way back; the first that can be had
 *               is the flow's
 *
 * The entry comes first, so that whoever looks at the way back finds it in use.
 * A way back that a flow with just a few packets holds may be taken from it: a
 * flood of SYNs takes ports from itself. That flow's entry is told beforehand,
 * and its next packet, if one ever comes, opens another way.
 */
#ifndef NAT_TABLE_BPF_H
#define NAT_TABLE_BPF_H

#include "bpf/handover.bpf.h"
#include "bpf/nat.bpf.h"

struct nat_bucket {
	struct lbd_bucket *line;
	struct lbd_addr *client; /* NULL in the IPv4 table */
};

LBD_INLINE _Bool nat_load_bucket(__u32 index, struct nat_bucket *ret, _Bool v6)
{
	struct lbd_bucket6 *both;

	if (!v6) {
		ret->line = bpf_map_lookup_elem(&lbd_nat4, &index);
		ret->client = NULL;
		return ret->line;
	}
	both = bpf_map_lookup_elem(&lbd_nat6, &index);
	if (!both)
		return 0;
	ret->line = &both->line;
	ret->client = both->client;
	return 1;
}

/* The flow that slot @i names. */
LBD_INLINE void nat_read_slot(const struct nat_bucket *bucket, __u32 i, struct packet *ret,
			      _Bool v6)
{
	const __u64 flow = LBD_READ_ONCE(bucket->line->value[i]);

	ret->client_port = lbd_key_port(flow);
	ret->service = lbd_key_service(flow);
	if (!v6) {
		ret->client = lbd_addr_from4(lbd_key_client4(flow));
		return;
	}
	ret->client.halves[0] = LBD_READ_ONCE(bucket->client[i].halves[0]);
	ret->client.halves[1] = LBD_READ_ONCE(bucket->client[i].halves[1]);
}

/*
 * Complete @flow, read from a return entry, by its service, and find its own
 * entry. Returns its backend if that entry leads back to @way, else NULL.
 */
LBD_INLINE const struct lbd_backend *nat_find_owner(struct packet *flow, struct conn *conn,
						    const struct lbd_nat_way *way, _Bool v6)
{
	const __u32 row = flow->half * lbd_config.limits.services + flow->service;
	const struct lbd_service *service = bpf_map_lookup_elem(&lbd_services, &row);
	const struct lbd_backend *backend;
	struct lbd_nat_way own;

	if (!service)
		return NULL;
	flow->vip = service->vip;
	flow->vip_port = service->port;
	flow->protocol = service->protocol;
	if (!conn_find(flow, conn, v6) || !lbd_value_nat(conn->value))
		return NULL;
	backend = conn_backend(flow, lbd_value_backend(conn->value));
	if (!backend || backend->service != flow->service || backend->forward != LBD_FORWARD_NAT)
		return NULL;
	own = nat_way(flow, backend, lbd_value_nat(conn->value), v6);
	return own.key == way->key && own.bucket == way->bucket ? backend : NULL;
}

/*
 * May the way back that slot @i of bucket @index holds, by @key, be another
 * flow's? Then its owner knows now.
 */
LBD_INLINE _Bool nat_displace(__u32 index, __u32 i, __u64 key, __u32 half, _Bool v6)
{
	const struct lbd_nat_way held = { .key = key, .bucket = index };
	struct packet owner = { .half = half };
	struct nat_bucket bucket;
	struct conn conn = {};

	if (!nat_load_bucket(index, &bucket, v6))
		return 0;
	nat_read_slot(&bucket, i % LBD_BUCKET_SLOTS, &owner, v6);
	if (!nat_find_owner(&owner, &conn, &held, v6))
		return 1;
	if (conn.value & LBD_CONN_CONFIRMED && !conn_expired(&owner, &conn))
		return 0;
	if (!config_writes())
		return 1;
	return LBD_CAS(conn.word, conn.value, lbd_value_with_nat(conn.value, 0)) == conn.value;
}

/* Functions of their own: the verifier walks through them once, not once for each slot. */
__attribute__((noinline)) int nat_displace_ipv4(__u32 index, __u32 i, __u64 key, __u32 half)
{
	return nat_displace(index, i, key, half, 0);
}

__attribute__((noinline)) int nat_displace_ipv6(__u32 index, __u32 i, __u64 key, __u32 half)
{
	return nat_displace(index, i, key, half, 1);
}

/* Is slot @i of bucket @index nobody's, or let go? *ret_held: the key there. */
LBD_INLINE _Bool nat_may_take(const struct nat_bucket *bucket, __u32 index, __u32 i, __u32 half,
			      __u64 *ret_held, _Bool v6)
{
	const __u64 held = LBD_READ_ONCE(bucket->line->key[i]);

	*ret_held = held;
	if (held == LBD_KEY_EMPTY)
		return 1;
	if (held >= LBD_KEY_CLAIMED_USER)
		return 0;
	return v6 ? nat_displace_ipv6(index, i, held, half)
		  : nat_displace_ipv4(index, i, held, half);
}

/* The first slot of @room that may be taken; LBD_BUCKET_SLOTS: none of them. */
LBD_INLINE __u32 nat_find_slot(const struct nat_bucket *bucket, __u32 index,
			       const struct lbd_nat_room *room, __u32 half, __u64 *ret_held,
			       _Bool v6)
{
#pragma GCC unroll 1
	for (__u32 i = 0; i < LBD_BUCKET_SLOTS && i < room->count; i++) {
		const __u32 slot = (room->first + i) % LBD_BUCKET_SLOTS;

		if (nat_may_take(bucket, index, slot, half, ret_held, v6))
			return slot;
	}
	return LBD_BUCKET_SLOTS;
}

LBD_INLINE struct lbd_flow nat_flow(const struct packet *packet, _Bool v6)
{
	return v6 ? lbd_flow6(&packet->client, packet->client_port, packet->service,
			      packet->vip_port)
		  : lbd_flow4(packet->client.words[3], packet->client_port, packet->service,
			      packet->vip_port);
}

/* Does slot @i hold @way for @flow already? */
LBD_INLINE _Bool nat_holds(const struct nat_bucket *bucket, __u32 i, const struct lbd_nat_way *way,
			   const struct lbd_flow *flow)
{
	return LBD_READ_ONCE(bucket->line->key[i]) == way->key &&
	       LBD_READ_ONCE(bucket->line->value[i]) == flow->key &&
	       (!bucket->client || lbd_client_equal(&bucket->client[i], &flow->client));
}

/* Take the way back of @packet's flow at @attempt. True: it is the flow's. */
LBD_INLINE _Bool nat_claim(const struct packet *packet, __u32 row, __u32 attempt, _Bool v6)
{
	const struct lbd_backend *backend = bpf_map_lookup_elem(&lbd_backends, &row);
	struct lbd_flow flow = nat_flow(packet, v6);
	const __u64 owner = flow.key;
	struct nat_bucket bucket;
	struct lbd_nat_room room;
	struct lbd_nat_way way;
	__u64 held = 0;
	__u32 slot;

	if (!backend)
		return 0;
	way = nat_way(packet, backend, attempt, v6);
	if (!nat_load_bucket(way.bucket, &bucket, v6))
		return 0;
	room = lbd_nat_room(bucket.line, way.key, (__u32)clock_jiffies());
	if (nat_holds(&bucket, room.first % LBD_BUCKET_SLOTS, &way, &flow))
		return 1;
	slot = nat_find_slot(&bucket, way.bucket, &room, packet->half, &held, v6);
	if (slot >= LBD_BUCKET_SLOTS)
		return 0;
	if (!config_writes())
		return 1;
	flow.key = way.key;
	return lbd_bucket_take(bucket.line, bucket.client, slot % LBD_BUCKET_SLOTS, held, &flow,
			       owner, LBD_KEY_CLAIMED_BPF) &&
	       lbd_nat_settle(bucket.line, slot % LBD_BUCKET_SLOTS, way.key);
}

/* Functions of their own, for the verifier; the packet is where the stage has it. */
__attribute__((noinline)) int nat_claim_ipv4(__u32 row, __u32 attempt)
{
	const struct packet *packet = handover_get();

	return packet ? nat_claim(packet, row, attempt, 0) : 0;
}

__attribute__((noinline)) int nat_claim_ipv6(__u32 row, __u32 attempt)
{
	const struct packet *packet = handover_get();

	return packet ? nat_claim(packet, row, attempt, 1) : 0;
}

/* Write @attempt into the flow's entry. False: the entry has changed meanwhile. */
LBD_INLINE _Bool nat_set_attempt(struct conn *conn, __u32 attempt)
{
	const __u64 value = lbd_value_with_nat(conn->value, attempt);

	if (!config_writes())
		return 1;
	if (LBD_CAS(conn->word, conn->value, value) != conn->value)
		return 0;
	conn->value = value;
	return 1;
}

/*
 * From the attempt @had that the entry has, if it has one, through all of them.
 * Returns the first whose way back could be had, or 0.
 */
LBD_INLINE __u32 nat_try(struct conn *conn, __u32 had, __u32 row, _Bool v6)
{
	__u32 attempt = had ? had : 1;

#pragma GCC unroll 7
	for (int tries = 0; tries < LBD_NAT_ATTEMPTS; tries++) {
		if (!nat_set_attempt(conn, attempt))
			break;
		if (v6 ? nat_claim_ipv6(row, attempt) : nat_claim_ipv4(row, attempt))
			return attempt;
		attempt = attempt % LBD_NAT_ATTEMPTS + 1;
	}
	nat_set_attempt(conn, 0);
	return 0;
}

/* The attempt that the flow goes out at; 0: none. Peers hear of it if it is another one. */
LBD_INLINE __u32 nat_attempt(struct conn *conn, __u32 row, _Bool v6)
{
	const __u32 had = lbd_value_nat(conn->value);
	const __u32 attempt = nat_try(conn, had, row, v6);

	if (attempt != had && conn->value & LBD_CONN_CONFIRMED)
		conn_mark_dirty(conn->home, v6);
	return attempt;
}

/* Enter a new flow; whatever opens it, for its answers need the entry. */
LBD_INLINE int nat_enter(const struct packet *packet, struct conn *conn, __u16 *ret_backend,
			 _Bool v6)
{
	_Bool sticky = 0;
	int outcome = conn_pick(packet, 0, ret_backend, &sticky, v6);

	if (outcome != PACKET_GO_ON)
		return outcome;
	outcome = guard_entry(packet, v6);
	if (outcome != PACKET_GO_ON) {
		*ret_backend = 0;
		return outcome;
	}
	if (conn_enter(packet, conn, *ret_backend, v6) &&
	    (!config_writes() || conn_find(packet, conn, v6)))
		return sticky ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_NEW;
	*ret_backend = 0;
	return LBD_OUTCOME_DROP_NAT_TABLE;
}

/*
 * Which backend gets this packet, and at which attempt it goes out. As
 * conn_route, for flows that have no port yet, begin anew, or move.
 */
LBD_INLINE int nat_route(struct packet *packet, __u16 *ret_backend, _Bool v6)
{
	struct conn conn = {};
	int outcome, attempt;

	if (conn_find(packet, &conn, v6)) {
		outcome = conn_known(packet, &conn, ret_backend, v6);
		if (config_writes())
			conn.value = LBD_READ_ONCE(*conn.word);
	} else {
		outcome = nat_enter(packet, &conn, ret_backend, v6);
	}
	if (!*ret_backend)
		return outcome;
	attempt = nat_attempt(&conn, packet->half * lbd_config.limits.backends + *ret_backend, v6);
	if (!attempt) {
		*ret_backend = 0;
		return LBD_OUTCOME_DROP_NAT_PORTS;
	}
	packet->nat = attempt;
	return outcome;
}

#endif
