/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path with one flaw. A bad object includes this after defining one
 * of these, where the others are as they should be:
 *
 *   BAD_NOT_IP                  action on what is neither IPv4 nor IPv6
 *   BAD_PORT(packet)            before the service is looked up
 *   BAD_ROUTE(packet, backend)  after the backend was chosen
 *   BAD_FRAME(eth, ip, end)     before the frame leaves
 */
#ifndef GOLDEN_BAD_BPF_H
#define GOLDEN_BAD_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/forward.bpf.h"
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

LBD_INLINE int bad_balance(struct xdp_md *ctx, struct packet *packet, int outcome, _Bool v6)
{
	__u16 backend = 0;

	if (outcome != PACKET_GO_ON)
		return XDP_PASS;
	BAD_PORT(packet);
	outcome = vip_find(packet);
	if (outcome != PACKET_GO_ON)
		return XDP_PASS;
	outcome = conn_route(ctx, packet, &backend, v6);
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

char _license[] SEC("license") = "GPL";

#endif
