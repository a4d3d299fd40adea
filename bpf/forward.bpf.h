/* SPDX-License-Identifier: GPL-2.0-only */
/* The last step: tunnel or NAT if the backend wants it, address the frame, send it. */
#ifndef FORWARD_BPF_H
#define FORWARD_BPF_H

#include <linux/if_ether.h>

#include "bpf/answer.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/conn.bpf.h"
#include "bpf/count.bpf.h"
#include "bpf/encap.bpf.h"
#include "bpf/gre.bpf.h"
#include "bpf/gue.bpf.h"
#include "bpf/nat.bpf.h"
#include "bpf/overlay.bpf.h"
#include "bpf/packet.bpf.h"

#define FORWARD_FEATURES                                                          \
	(LBD_FEATURE_DSR | LBD_FEATURE_IPIP | LBD_FEATURE_GUE | LBD_FEATURE_GRE | \
	 LBD_FEATURE_VXLAN | LBD_FEATURE_GENEVE | LBD_FEATURE_NAT)

/* Is @forward the backend's way? Not even asked where all services have the same. */
LBD_INLINE _Bool forward_is(const struct lbd_backend *backend, __u8 forward, __u32 feature)
{
	if (!config_has(feature))
		return 0;
	return (lbd_config.features & FORWARD_FEATURES) == feature || backend->forward == forward;
}

/*
 * As it came. What came in fits where it came in: only by another interface it
 * may be too big, which nobody would be told of once it is redirected.
 */
LBD_INLINE int forward_plain(const struct xdp_md *ctx, const struct packet *packet,
			     const struct lbd_backend *backend)
{
	if (config_has(LBD_FEATURE_REDIRECT) && packet->length > backend->mtu &&
	    ctx->ingress_ifindex != backend->ifindex)
		return LBD_OUTCOME_DROP_TOO_BIG;
	return PACKET_GO_ON;
}

LBD_INLINE int forward_encap(struct xdp_md *ctx, const struct packet *packet,
			     const struct lbd_backend *backend, _Bool v6)
{
	if (forward_is(backend, LBD_FORWARD_IPIP, LBD_FEATURE_IPIP))
		return encap_ipip(ctx, packet, backend, v6);
	if (forward_is(backend, LBD_FORWARD_GUE, LBD_FEATURE_GUE))
		return encap_gue(ctx, packet, backend);
	if (forward_is(backend, LBD_FORWARD_GRE, LBD_FEATURE_GRE))
		return encap_gre(ctx, packet, backend, v6);
	if (forward_is(backend, LBD_FORWARD_VXLAN, LBD_FEATURE_VXLAN))
		return encap_vxlan(ctx, packet, backend, v6);
	if (forward_is(backend, LBD_FORWARD_GENEVE, LBD_FEATURE_GENEVE))
		return encap_geneve(ctx, packet, backend, v6);
	return forward_plain(ctx, packet, backend);
}

/* Bytes that a packet grows by on its way to @backend. */
LBD_INLINE __u32 forward_overhead(const struct lbd_backend *backend)
{
	if (forward_is(backend, LBD_FORWARD_NAT, LBD_FEATURE_NAT))
		return 0;
	if (config_has(LBD_FEATURE_REDIRECT) &&
	    forward_is(backend, LBD_FORWARD_DSR, LBD_FEATURE_DSR))
		return 0;
	return encap_overhead(backend, backend->forward);
}

/* It can't be sent, for @problem; perhaps its sender can be told. */
LBD_INLINE int forward_fail(struct xdp_md *ctx, const struct packet *packet,
			    const struct lbd_backend *backend, int problem, int *outcome, _Bool v6)
{
	if (problem == LBD_OUTCOME_DROP_TOO_BIG && config_has(LBD_FEATURE_TELL_MTU))
		problem = answer_too_big(ctx, packet->l3, packet->length,
					 backend->mtu - forward_overhead(backend), v6);
	*outcome = problem;
	return problem == LBD_OUTCOME_ANSWER_TOO_BIG ? XDP_TX : XDP_DROP;
}

/* New ends for the packet. */
LBD_INLINE int forward_nat(struct xdp_md *ctx, const struct packet *packet, __u16 index, _Bool v6)
{
	const __u32 row = packet->half * lbd_config.limits.backends + index;

	return v6 ? nat_out_ipv6(ctx, row, packet->nat, nat_place(packet))
		  : nat_out_ipv4(ctx, row, packet->nat, nat_place(packet));
}

/* Back out of the interface it came from, or through lbd_tx to another. */
LBD_INLINE int forward_send(struct xdp_md *ctx, const struct lbd_backend *backend)
{
	if (!config_has(LBD_FEATURE_REDIRECT) || ctx->ingress_ifindex == backend->ifindex)
		return XDP_TX;
	return bpf_redirect_map(&lbd_tx, backend->tx_slot, XDP_DROP);
}

LBD_INLINE int forward_address(struct xdp_md *ctx, const struct lbd_backend *backend)
{
	const __u32 *from = (const void *)backend->dmac; /* smac follows it */
	__u32 *to = (void *)(long)ctx->data;

	if ((void *)to + sizeof(struct ethhdr) > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_DROP_HEADROOM;
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	return PACKET_GO_ON;
}

/* Which ways are open: a stage that can do without one gives its stack to others. */
enum forward_ways { FORWARD_ANY, FORWARD_NAT_ONLY, FORWARD_WITHOUT_NAT };

LBD_INLINE _Bool forward_translates(const struct lbd_backend *backend, enum forward_ways ways)
{
	if (ways == FORWARD_ANY)
		return forward_is(backend, LBD_FORWARD_NAT, LBD_FEATURE_NAT);
	return ways == FORWARD_NAT_ONLY;
}

/* Make the frame one for the backend. */
LBD_INLINE int forward_make(struct xdp_md *ctx, const struct packet *packet, __u16 index,
			    const struct lbd_backend *backend, const enum forward_ways ways,
			    _Bool v6)
{
	int problem;

	if (!backend->ifindex)
		return LBD_OUTCOME_DROP_UNRESOLVED;
	if (forward_translates(backend, ways))
		problem = forward_nat(ctx, packet, index, v6);
	else
		problem = forward_encap(ctx, packet, backend, v6);
	return problem == PACKET_GO_ON ? forward_address(ctx, backend) : problem;
}

/*
 * Send the packet to backend @index. Takes the outcome that brought it here
 * and leaves the one that holds: sending may fail. Whatever the backend says,
 * it goes one of @ways.
 */
LBD_INLINE int forward_way(struct xdp_md *ctx, const struct packet *packet, __u16 index,
			   int *outcome, const enum forward_ways ways, _Bool v6)
{
	const struct lbd_backend *backend = conn_backend(packet, index);
	int problem;

	if (!backend || !backend->state) {
		*outcome = LBD_OUTCOME_DROP_TABLE;
		return XDP_DROP;
	}
	problem = forward_make(ctx, packet, index, backend, ways, v6);
	if (problem != PACKET_GO_ON)
		return forward_fail(ctx, packet, backend, problem, outcome, v6);
	count_forwarded(packet->service, index, packet->length);
	return forward_send(ctx, backend);
}

LBD_INLINE int forward(struct xdp_md *ctx, const struct packet *packet, __u16 index, int *outcome,
		       _Bool v6)
{
	return forward_way(ctx, packet, index, outcome, FORWARD_ANY, v6);
}

#endif
