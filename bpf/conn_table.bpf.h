/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection table (lbd/conntable.h) in the maps: finding a flow, entering
 * one. What a packet means for its connection is conn.bpf.h's.
 */
#ifndef CONN_TABLE_BPF_H
#define CONN_TABLE_BPF_H

#include "bpf/clock.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/pick.bpf.h"
#include "bpf/verifier.bpf.h"

struct conn {
	struct lbd_flow flow;
	struct lbd_pair pair;
	__u32 bucket[2]; /* indexes of the pair */
	__u64 hash;
	__u32 now;   /* tick */
	__u64 *word; /* value word of the entry, if found ... */
	__u64 value; /* ... what it held ... */
	__u32 home;  /* ... and the index of its bucket */
};

LBD_INLINE _Bool conn_load_bucket(struct conn *conn, int which, __u64 hash, _Bool v6)
{
	struct lbd_bucket6 *both;
	__u32 index;

	index = lbd_flow_bucket(
		hash, which,
		(v6 ? lbd_config.limits.conn6_buckets : lbd_config.limits.conn4_buckets) - 1);
	conn->bucket[which] = index;
	if (!v6) {
		conn->pair.bucket[which] = bpf_map_lookup_elem(&lbd_conn4, &index);
		conn->pair.client[which] = NULL;
		return conn->pair.bucket[which];
	}
	both = bpf_map_lookup_elem(&lbd_conn6, &index);
	if (!both)
		return 0;
	conn->pair.bucket[which] = &both->line;
	conn->pair.client[which] = both->client;
	return 1;
}

LBD_INLINE _Bool conn_find_in(struct conn *conn, int which)
{
	struct lbd_bucket *bucket = conn->pair.bucket[which];
	__u32 slot = lbd_bucket_find(bucket, conn->pair.client[which], &conn->flow, &conn->value);

	if (slot >= LBD_BUCKET_SLOTS)
		return 0;
	conn->word = &bucket->value[slot];
	conn->home = conn->bucket[which];
	return 1;
}

/* The second bucket, a second cache miss, is only read if the first lacks the flow. */
LBD_INLINE _Bool conn_find(const struct packet *packet, struct conn *conn, _Bool v6)
{
	const struct lbd_secret secret = { { lbd_config.conn_secret.words[0],
					     lbd_config.conn_secret.words[1] } };

	if (v6)
		conn->flow = lbd_flow6(&packet->client, packet->client_port, packet->service,
				       packet->vip_port);
	else
		conn->flow = lbd_flow4(packet->client.words[3], packet->client_port,
				       packet->service, packet->vip_port);
	conn->hash = lbd_flow_hash(&conn->flow, v6, &secret);
	conn->now = clock_tick();
	if (!conn_load_bucket(conn, 0, conn->hash, v6))
		return 0;
	if (conn_find_in(conn, 0))
		return 1;
	return conn_load_bucket(conn, 1, conn->hash, v6) && conn_find_in(conn, 1);
}

/* --- entering */

/* The half of the service tables in force, where only timeouts are read. */
LBD_INLINE __u32 conn_half(void)
{
	const struct lbd_control *control;
	__u32 zero = 0;

	if (!config_has(LBD_FEATURE_TIMEOUTS))
		return 0;
	control = bpf_map_lookup_elem(&lbd_control, &zero);
	return control ? LBD_READ_ONCE(control->active) & 1 : 0;
}

/* What entries are aged by, for who looks at many of them. */
struct conn_ages {
	const struct lbd_timeouts *same;
	__u32 half;
};

/* The verifier needn't know the times: it would try each way that comparing with them can go. */
LBD_INLINE struct conn_ages conn_ages(__u64 any)
{
	const struct conn_ages ages = {
		.same = (const void *)config_timeouts() + verifier_nothing(any),
		.half = conn_half(),
	};

	return ages;
}

LBD_INLINE const struct lbd_timeouts *conn_timeouts_at(const void *context, __u16 service)
{
	const struct conn_ages *ages = context;
	const struct lbd_service *own = NULL;

	if (config_has(LBD_FEATURE_TIMEOUTS))
		own = pick_service(ages->half, service);
	return own ? &own->timeouts : ages->same;
}

/*
 * Entering a flow is a function of its own, not inlined: the verifier walks
 * through its many ways once, instead of once for each way that leads here.
 */
LBD_INLINE _Bool conn_insert(const struct lbd_flow *flow, __u64 value, __u64 hash, __u32 now,
			     _Bool v6)
{
	const struct conn_ages ages = conn_ages(hash);
	struct conn conn = {};

	/* A trace of the live tables says what would happen: there is nearly always a slot. */
	if (!config_writes())
		return 1;
	if (!conn_load_bucket(&conn, 0, hash, v6) || !conn_load_bucket(&conn, 1, hash, v6))
		return 0;
	return lbd_pair_insert_aged(&conn.pair, flow, value, now, conn_timeouts_at, &ages,
				    LBD_KEY_CLAIMED_BPF);
}

__attribute__((noinline)) int conn_insert_ipv4(const struct lbd_flow *flow, __u64 value, __u64 hash,
					       __u32 now)
{
	return flow ? conn_insert(flow, value, hash, now, 0) : 0;
}

__attribute__((noinline)) int conn_insert_ipv6(const struct lbd_flow *flow, __u64 value, __u64 hash,
					       __u32 now)
{
	return flow ? conn_insert(flow, value, hash, now, 1) : 0;
}

#endif
