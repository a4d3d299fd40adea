/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path with one flaw. A bad object includes this after defining one
 * of these, where the others are as they should be:
 *
 *   BAD_NOT_IP                  action on what is neither IPv4 nor IPv6
 *   BAD_PORT(packet)            before the service is looked up
 *   BAD_ROUTE(packet, backend)  after the backend was chosen
 *   BAD_FRAME(eth, ip, end)     before the frame leaves
 *   BAD_ANSWER(eth, ip, end)    before an answer leaves to its client, by NAT
 */
#ifndef GOLDEN_BAD_BPF_H
#define GOLDEN_BAD_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/forward.bpf.h"
#include "bpf/generations.bpf.h"
#include "bpf/handover.bpf.h"
#include "bpf/nat_return.bpf.h"
#include "bpf/nat_table.bpf.h"
#include "bpf/parse.bpf.h"
#include "bpf/vip.bpf.h"

#ifndef BAD_NOT_IP
#define BAD_NOT_IP XDP_PASS
#endif
#ifndef BAD_PORT
#define BAD_PORT(packet)
#endif
#ifndef BAD_ROUTE
#define BAD_ROUTE(packet, backend)
#endif
#ifndef BAD_FRAME
#define BAD_FRAME(eth, ip, end)
#endif
#ifndef BAD_ANSWER
#define BAD_ANSWER(eth, ip, end)
#endif

LBD_INLINE int bad_leave(struct xdp_md *ctx, int action)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	void *end = (void *)(long)ctx->data_end;

	if (action != XDP_TX || (void *)(ip + 1) > end)
		return action;
	BAD_FRAME(eth, ip, end);
	return action;
}

LBD_INLINE int bad_enter(struct xdp_md *ctx, const struct packet *packet, enum lbd_stage stage)
{
	handover_put(packet);
	bpf_tail_call(ctx, &lbd_generations, lbd_stage_slot(lbd_config.bank, stage));
	return XDP_ABORTED;
}

LBD_INLINE int bad_balance(struct xdp_md *ctx, struct packet *packet, int outcome, _Bool v6)
{
	__u16 backend = 0;

	if (outcome != PACKET_GO_ON)
		return XDP_PASS;
	BAD_PORT(packet);
	outcome = vip_find(packet);
	if (outcome != PACKET_GO_ON)
		return XDP_PASS;
	if (config_has(LBD_FEATURE_NAT) && !packet->service)
		return bad_enter(ctx, packet, LBD_STAGE_NAT_RETURN);
	outcome = conn_route(ctx, packet, &backend, v6);
	if (config_has(LBD_FEATURE_NAT) && outcome == CONN_STAGE_NAT)
		return bad_enter(ctx, packet, LBD_STAGE_NAT);
	BAD_ROUTE(packet, backend);
	if (!backend)
		return XDP_DROP;
	return bad_leave(ctx, forward(ctx, packet, backend, &outcome, v6));
}

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	struct packet packet = { .l3 = ETH_HLEN, .problem = PACKET_GO_ON };

	if ((const void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return bad_balance(ctx, &packet, parse_ipv4(eth, end, &packet), 0);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return bad_balance(ctx, &packet, parse_ipv6(ctx, eth, end, &packet), 1);
	return BAD_NOT_IP;
}

LBD_INLINE int bad_translate(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	__u16 backend = 0;
	int outcome = nat_route(packet, &backend, v6);

	if (!backend)
		return XDP_DROP;
	return bad_leave(ctx, forward_way(ctx, packet, backend, &outcome, FORWARD_NAT_ONLY, v6));
}

SEC("xdp")
int lbd_nat(struct xdp_md *ctx)
{
	struct packet *packet = handover_get();

	if (!packet)
		return XDP_ABORTED;
	return lbd_addr_is4(&packet->vip) ? bad_translate(ctx, packet, 0)
					  : bad_translate(ctx, packet, 1);
}

SEC("xdp")
int lbd_nat_return(struct xdp_md *ctx)
{
	const struct packet *packet = handover_get();
	int outcome, action;
	struct ethhdr *eth;
	void *end;

	if (!packet)
		return XDP_ABORTED;
	action = lbd_addr_is4(&packet->vip) ? nat_return(ctx, packet, &outcome, 0)
					    : nat_return(ctx, packet, &outcome, 1);
	eth = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (action != XDP_TX || (void *)(eth + 1) + sizeof(struct iphdr) > end)
		return action;
	BAD_ANSWER(eth, (struct iphdr *)(eth + 1), end);
	return action;
}

char _license[] SEC("license") = "GPL";

#endif
