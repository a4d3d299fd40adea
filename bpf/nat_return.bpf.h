/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A backend's answer to a NAT address, on its way back to the client. The
 * kernel's routes say where that is (bpf_fib_lookup): clients may be anywhere.
 * That needs forwarding switched on at the interface the answer comes in on.
 */
#ifndef NAT_RETURN_BPF_H
#define NAT_RETURN_BPF_H

#include "bpf/answer.bpf.h"
#include "bpf/fragment.bpf.h"
#include "bpf/nat_table.bpf.h"

#define NAT_AF_INET 2
#define NAT_AF_INET6 10

/* nat_index, if the packet is to a port of the NAT: others of the address are the node's own. */
LBD_INLINE __u32 nat_port_address(const struct packet *packet, _Bool v6)
{
	const __u32 port = bpf_ntohs(packet->vip_port) - lbd_config.nat.first_port;

	return port < lbd_config.nat.ports ? nat_index(&packet->vip, v6) : LBD_NAT_ADDRS_MAX;
}

/* The way back that the packet came on. */
LBD_INLINE struct lbd_nat_way nat_way_of(const struct packet *packet, __u32 address, _Bool v6)
{
	const struct lbd_secret secret = { { lbd_config.conn_secret.words[0],
					     lbd_config.conn_secret.words[1] } };
	const struct lbd_nat_source source = { address, packet->vip_port };

	return lbd_nat_way(
		&packet->client, packet->client_port, &source, packet->protocol == IPPROTO_UDP,
		&secret, v6 ? lbd_config.limits.nat6_buckets : lbd_config.limits.nat4_buckets, v6);
}

/* The flow that @packet answers, with its entry in @conn. False: there is none. */
LBD_INLINE _Bool nat_find_flow(const struct packet *packet, __u32 address, struct packet *ret_flow,
			       struct conn *conn, _Bool v6)
{
	const struct lbd_nat_way way = nat_way_of(packet, address, v6);
	const struct lbd_backend *backend;
	struct nat_bucket bucket;
	__u32 slot;

	if (!nat_load_bucket(way.bucket, &bucket, v6))
		return 0;
	slot = lbd_nat_find(bucket.line, way.key);
	if (slot >= LBD_BUCKET_SLOTS)
		return 0;
	nat_read_slot(&bucket, slot, ret_flow, v6);
	backend = nat_find_owner(ret_flow, conn, &way, v6);
	return backend && lbd_addr_equal(&backend->addr, &packet->client);
}

/* The entry stays young; a backend's word closes it, but only a client's confirms it. */
LBD_INLINE void nat_touch(struct conn *conn, __u8 closes, _Bool v6)
{
	__u64 value = lbd_value_with_tick(conn->value, conn->now) & ~LBD_CONN_REMOTE;

	if (closes)
		value |= LBD_CONN_CLOSING;
	if (closes & TCP_RST)
		value &= ~LBD_CONN_CONFIRMED;
	conn_write(conn, value, v6);
}

/* Have the daemon ask for the client's MAC address. One at a time of those that share a slot. */
LBD_INLINE void nat_want(const struct lbd_addr *client)
{
	__u32 slot = (__u32)lbd_mix(client->halves[0] ^ client->halves[1]) % LBD_WANTED_MAX;
	struct lbd_addr *wanted = bpf_map_lookup_elem(&lbd_wanted, &slot);

	if (!wanted || !config_writes() || LBD_READ_ONCE(wanted->halves[1]))
		return;
	wanted->halves[0] = client->halves[0];
	LBD_WRITE_ONCE(wanted->halves[1], client->halves[1]);
}

/* Who tries a generation apart from any network has a client behind whoever sends the answer. */
LBD_INLINE int nat_find_nobody(const struct xdp_md *ctx, struct bpf_fib_lookup *fib)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;

	if ((const void *)(eth + 1) > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	__builtin_memcpy(fib->dmac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(fib->smac, eth->h_dest, ETH_ALEN);
	fib->ifindex = ctx->ingress_ifindex;
	return PACKET_GO_ON;
}

/* Where the flow's client is, by the kernel's routes and neighbours. */
LBD_INLINE int nat_find_client(struct xdp_md *ctx, const struct packet *flow, __u32 length,
			       struct bpf_fib_lookup *fib, _Bool v6)
{
	if (config_has(LBD_FEATURE_ROUTELESS))
		return nat_find_nobody(ctx, fib);
	fib->family = v6 ? NAT_AF_INET6 : NAT_AF_INET;
	fib->l4_protocol = flow->protocol;
	fib->sport = flow->vip_port;
	fib->dport = flow->client_port;
	fib->tot_len = length;
	fib->ifindex = ctx->ingress_ifindex;
	if (v6) {
		packet_put_addr6(fib->ipv6_src, &flow->vip);
		packet_put_addr6(fib->ipv6_dst, &flow->client);
	} else {
		fib->ipv4_src = flow->vip.words[3];
		fib->ipv4_dst = flow->client.words[3];
	}
	switch (bpf_fib_lookup(ctx, fib, sizeof(*fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return PACKET_GO_ON;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		nat_want(&flow->client);
		return LBD_OUTCOME_DROP_UNRESOLVED;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return LBD_OUTCOME_DROP_TOO_BIG;
	default:
		return LBD_OUTCOME_DROP_NO_ROUTE;
	}
}

/* A tagged frame stays on its VLAN, and so on its interface. */
LBD_INLINE int nat_send(struct xdp_md *ctx, const struct packet *packet,
			const struct bpf_fib_lookup *fib)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	if (fib->ifindex == ctx->ingress_ifindex || packet->l3 != ETH_HLEN)
		return XDP_TX;
	return (int)bpf_redirect(fib->ifindex, 0);
}

/* The client gets nothing, for @problem; perhaps the backend can be told. Returns the action. */
LBD_INLINE int nat_fail(struct xdp_md *ctx, const struct packet *packet, int problem, __u32 mtu,
			int *outcome, _Bool v6)
{
	if (problem == LBD_OUTCOME_DROP_TOO_BIG && config_has(LBD_FEATURE_TELL_MTU))
		problem = answer_too_big(ctx, packet->l3, packet->length, mtu, v6);
	*outcome = problem;
	return problem == LBD_OUTCOME_ANSWER_TOO_BIG ? XDP_TX : XDP_DROP;
}

/* An answer that comes in fragments: the others find its flow by its ports, as this one did. */
LBD_INLINE void nat_remember(struct xdp_md *ctx, const struct packet *packet, __u32 attempt,
			     __u32 ifindex)
{
	if (config_has(LBD_FEATURE_FRAGMENTS) && packet->more)
		fragment_remember(ctx, 0, packet->client_port | (__u32)packet->vip_port << 16,
				  attempt | (__u32)packet->protocol << 8, ifindex);
}

/* To the flow's client, as from the VIP. Returns the action. */
LBD_INLINE int nat_deliver(struct xdp_md *ctx, const struct packet *packet,
			   const struct packet *flow, __u32 attempt, int *outcome, _Bool v6)
{
	const struct nat_ends ends = { .source = flow->vip,
				       .dest = flow->client,
				       .ports = { flow->vip_port, flow->client_port } };
	struct bpf_fib_lookup fib = {};
	int problem;

	problem = nat_find_client(ctx, flow, packet->length, &fib, v6);
	if (problem == PACKET_GO_ON) {
		nat_remember(ctx, packet, attempt, fib.ifindex);
		problem = nat_rewrite(ctx, nat_place(packet), &ends, v6);
	}
	if (problem == PACKET_GO_ON)
		return nat_send(ctx, packet, &fib);
	return nat_fail(ctx, packet, problem, fib.mtu_result, outcome, v6);
}

/* An answer to a NAT address. Returns the action. */
LBD_INLINE int nat_return(struct xdp_md *ctx, const struct packet *packet, int *outcome, _Bool v6)
{
	const __u32 address = nat_port_address(packet, v6);
	struct packet flow = { .half = packet->half };
	struct conn conn = {};

	*outcome = LBD_OUTCOME_PASS_NO_SERVICE;
	if (address >= LBD_NAT_ADDRS_MAX)
		return XDP_PASS;
	*outcome = LBD_OUTCOME_DROP_NAT_UNKNOWN;
	if (!nat_find_flow(packet, address, &flow, &conn, v6))
		return XDP_DROP;
	*outcome = LBD_OUTCOME_FORWARD_RETURN;
	trace_target(flow.service, lbd_value_backend(conn.value));
	nat_touch(&conn, packet->fin, v6);
	return nat_deliver(ctx, packet, &flow, lbd_value_nat(conn.value), outcome, v6);
}

#endif
