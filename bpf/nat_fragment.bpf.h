/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Later fragments of what is translated. They show no ports and no checksum:
 * their addresses become those that their first got, their TTL falls by one.
 * What the addresses mean for the datagram's checksum is in the first, too.
 *
 *   to a VIP           as their first: to its backend, from its NAT address
 *   to a NAT address   to the client of the flow that their first answered
 *
 * The identification stays as it came. By it their receiver puts them together
 * again, also those of two clients who get the same NAT address: should these
 * choose the same one at the same time, the checksum tells.
 */
#ifndef NAT_FRAGMENT_BPF_H
#define NAT_FRAGMENT_BPF_H

#include "bpf/forward.bpf.h"
#include "bpf/fragment.bpf.h"
#include "bpf/nat_return.bpf.h"

/* --- to a VIP */

LBD_INLINE int nat_fragment_make(struct xdp_md *ctx, const struct packet *packet,
				 const struct lbd_backend *backend, _Bool v6)
{
	struct nat_ends ends;
	__u64 gained;
	int problem;

	if (!backend->ifindex)
		return LBD_OUTCOME_DROP_UNRESOLVED;
	if (packet->length > backend->mtu)
		return LBD_OUTCOME_DROP_TOO_BIG;
	ends = nat_out_ends(packet, backend, packet->nat, v6);
	problem = nat_rewrite_ip(ctx, packet->l3, &ends, &gained, v6);
	return problem == PACKET_GO_ON ? forward_address(ctx, backend) : problem;
}

LBD_INLINE int nat_fragment_out(struct xdp_md *ctx, const struct packet *packet, int *ret_action,
				_Bool v6)
{
	const struct lbd_backend *backend = conn_backend(packet, packet->backend);
	int outcome = LBD_OUTCOME_FORWARD_FRAGMENT, problem;

	if (!fragment_keeps(packet, backend))
		return LBD_OUTCOME_DROP_FRAGMENT;
	trace_target(packet->service, packet->backend);
	problem = nat_fragment_make(ctx, packet, backend, v6);
	if (problem != PACKET_GO_ON) {
		*ret_action = forward_fail(ctx, packet, backend, problem, &outcome, v6);
		return outcome;
	}
	count_forwarded(packet->service, packet->backend, packet->length);
	*ret_action = forward_send(ctx, backend);
	return outcome;
}

/* --- to a NAT address */

LBD_INLINE int nat_fragment_deliver(struct xdp_md *ctx, const struct packet *packet,
				    const struct packet *flow, int *ret_action, _Bool v6)
{
	const struct nat_ends ends = { .source = flow->vip, .dest = flow->client };
	struct bpf_fib_lookup fib = {};
	int problem, outcome = LBD_OUTCOME_FORWARD_RETURN;
	__u64 gained;

	problem = nat_find_client(ctx, flow, packet->length, &fib, v6);
	if (problem == PACKET_GO_ON)
		problem = nat_rewrite_ip(ctx, packet->l3, &ends, &gained, v6);
	*ret_action = problem == PACKET_GO_ON
			      ? nat_send(ctx, packet, &fib)
			      : nat_fail(ctx, packet, problem, fib.mtu_result, &outcome, v6);
	return outcome;
}

LBD_INLINE int nat_fragment_return(struct xdp_md *ctx, const struct packet *packet, int *ret_action,
				   _Bool v6)
{
	const __u32 address = nat_port_address(packet, v6);
	struct packet flow = { .half = packet->half };
	struct conn conn = {};

	if (address >= LBD_NAT_ADDRS_MAX || !nat_find_flow(packet, address, &flow, &conn, v6))
		return LBD_OUTCOME_DROP_NAT_UNKNOWN;
	trace_target(flow.service, lbd_value_backend(conn.value));
	return nat_fragment_deliver(ctx, packet, &flow, ret_action, v6);
}

/* Returns the outcome. *ret_action has the XDP action if the fragment isn't dropped. */
LBD_INLINE int nat_fragment(struct xdp_md *ctx, const struct packet *packet, int *ret_action,
			    _Bool v6)
{
	return packet->service ? nat_fragment_out(ctx, packet, ret_action, v6)
			       : nat_fragment_return(ctx, packet, ret_action, v6);
}

#endif
