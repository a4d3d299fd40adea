/* SPDX-License-Identifier: GPL-2.0-only */
/* The last step: tunnel or NAT if the backend wants it, address the frame, send it. */
#ifndef FORWARD_BPF_H
#define FORWARD_BPF_H

#include <linux/if_ether.h>

#include "bpf/config.bpf.h"
#include "bpf/conn.bpf.h"
#include "bpf/count.bpf.h"
#include "bpf/encap.bpf.h"
#include "bpf/nat.bpf.h"
#include "bpf/packet.bpf.h"

LBD_INLINE int forward_encap(struct xdp_md *ctx, const struct packet *packet,
			     const struct lbd_backend *backend, _Bool v6)
{
	if (!config_has(LBD_FEATURE_IPIP))
		return PACKET_GO_ON;
	if (config_has(LBD_FEATURE_DSR) && backend->forward != LBD_FORWARD_IPIP)
		return PACKET_GO_ON;
	return encap_ipip(ctx, packet, backend, v6);
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

/*
 * Send the packet to backend @index. Takes the outcome that brought it here
 * and leaves the one that holds: sending may fail. @nat: whatever the backend
 * says, for the stage that has no other way.
 */
LBD_INLINE int forward_way(struct xdp_md *ctx, const struct packet *packet, __u16 index,
			   int *outcome, const _Bool nat, _Bool v6)
{
	const struct lbd_backend *backend = conn_backend(packet, index);
	int problem = LBD_OUTCOME_DROP_TABLE;

	if (!backend || !backend->state)
		goto drop;
	problem = LBD_OUTCOME_DROP_UNRESOLVED;
	if (!backend->ifindex)
		goto drop;
	if (nat || (config_has(LBD_FEATURE_NAT) && backend->forward == LBD_FORWARD_NAT))
		problem = forward_nat(ctx, packet, index, v6);
	else
		problem = forward_encap(ctx, packet, backend, v6);
	if (problem != PACKET_GO_ON)
		goto drop;
	problem = forward_address(ctx, backend);
	if (problem != PACKET_GO_ON)
		goto drop;
	count_forwarded(packet->service, index, packet->length);
	return forward_send(ctx, backend);
drop:
	*outcome = problem;
	return XDP_DROP;
}

LBD_INLINE int forward(struct xdp_md *ctx, const struct packet *packet, __u16 index, int *outcome,
		       _Bool v6)
{
	return forward_way(ctx, packet, index, outcome, 0, v6);
}

#endif
