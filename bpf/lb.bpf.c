// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet path. A packet goes straight down:
 *
 *   parse    frame -> addresses, ports           or left to the kernel
 *   vip      destination -> service              or left to the kernel
 *   guard    lists and rate limits               or dropped
 *   conn     flow -> backend it had, or pick     or dropped: nothing to pick
 *   forward  tunnel or NAT, MAC addresses, send  or dropped: can't be sent
 *
 * Every way out counts exactly one outcome (lbd/outcome.h).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/config.bpf.h"
#include "bpf/conn.bpf.h"
#include "bpf/count.bpf.h"
#include "bpf/forward.bpf.h"
#include "bpf/fragment.bpf.h"
#include "bpf/generations.bpf.h"
#include "bpf/guard.bpf.h"
#include "bpf/handover.bpf.h"
#include "bpf/icmp.bpf.h"
#include "bpf/nat_fragment.bpf.h"
#include "bpf/nat_icmp.bpf.h"
#include "bpf/nat_return.bpf.h"
#include "bpf/nat_table.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/parse.bpf.h"
#include "bpf/reset.bpf.h"
#include "bpf/sample.bpf.h"
#include "bpf/tag.bpf.h"
#include "bpf/verifier.bpf.h"
#include "bpf/vip.bpf.h"

LBD_INLINE int leave_from(__u16 service, int outcome)
{
	count_exit(outcome, service, 0);
	return LBD_OUTCOME_DROPS >> outcome & 1 ? XDP_DROP : XDP_PASS;
}

LBD_INLINE int leave(int outcome)
{
	return leave_from(0, outcome);
}

#define ACTION_NONE (-1)

/* By the action that forwarding came to; without one the outcome tells. */
LBD_INLINE int leave_by(int action, int outcome)
{
	if (action == ACTION_NONE)
		return leave(outcome);
	count_outcome(outcome);
	return action;
}

/* Hand the packet to a stage of this generation, for good. */
LBD_INLINE int stage_enter(struct xdp_md *ctx, enum lbd_stage stage)
{
	bpf_tail_call(ctx, &lbd_generations, lbd_stage_slot(lbd_config.bank, stage));
	return leave(LBD_OUTCOME_DROP_TABLE);
}

/* The same, with what is known of the packet. */
LBD_INLINE int stage_hand_over(struct xdp_md *ctx, const struct packet *packet,
			       enum lbd_stage stage)
{
	handover_put(packet);
	return stage_enter(ctx, stage);
}

/* No backend gets it. If that is because the one it had is dead, its client may be told. */
LBD_INLINE int leave_unserved(struct xdp_md *ctx, const struct packet *packet, int outcome)
{
	if (!config_has(LBD_FEATURE_DOWN) || !reset_is_due(outcome))
		return leave_from(packet->service, outcome);
	trace_target(packet->service, 0);
	return stage_enter(ctx, LBD_STAGE_RESET);
}

/* Of a datagram in fragments only the first gets here: the others shall follow it. */
LBD_INLINE void remember(struct xdp_md *ctx, const struct packet *packet, __u16 backend)
{
	if (config_has(LBD_FEATURE_FRAGMENTS) && packet->more)
		fragment_remember(ctx, packet->service | (__u32)backend << 16,
				  packet->client_port | (__u32)packet->vip_port << 16,
				  packet->nat | (__u32)packet->protocol << 8, 0);
}

LBD_INLINE int balance(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	__u16 backend = 0;
	int outcome, action;

	outcome = vip_find(packet);
	if (config_has(LBD_FEATURE_FRAGMENTS) && outcome == LBD_OUTCOME_DROP_FRAGMENT)
		return stage_enter(ctx, LBD_STAGE_FRAGMENT);
	if (outcome != PACKET_GO_ON)
		return leave_from(packet->service, outcome);
	if (!packet->ours)
		return leave_from(packet->service, LBD_OUTCOME_PASS_OTHER_HOST);
	if (config_has(LBD_FEATURE_NAT) && !packet->service)
		return stage_hand_over(ctx, packet, LBD_STAGE_NAT_RETURN);
	outcome = guard(packet, v6);
	if (outcome != PACKET_GO_ON)
		return leave_from(packet->service, outcome);
	outcome = conn_route(ctx, packet, &backend, v6);
	if (config_has(LBD_FEATURE_NAT) && outcome == CONN_STAGE_NAT)
		return stage_hand_over(ctx, packet, LBD_STAGE_NAT);
	if (!backend)
		return leave_unserved(ctx, packet, outcome);
	outcome = (int)verifier_forget(outcome);
	remember(ctx, packet, backend);
	action = forward(ctx, packet, backend, &outcome, v6);
	count_exit(outcome, packet->service, backend);
	return action;
}

/* What parse left to the kernel: perhaps it is ICMP. */
LBD_INLINE int leave_parse(struct xdp_md *ctx, const struct packet *packet, int outcome, _Bool v6)
{
	if (config_has(LBD_FEATURE_ECHO | LBD_FEATURE_ICMP_ERRORS) &&
	    outcome == LBD_OUTCOME_PASS_NOT_L4 &&
	    packet->protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return stage_enter(ctx, LBD_STAGE_ICMP);
	return leave(outcome);
}

LBD_INLINE int balance_ipv4(struct xdp_md *ctx, const struct ethhdr *eth, const void *end, __u32 l3)
{
	struct packet packet = { .ours = parse_is_ours(eth), .l3 = l3, .problem = PACKET_GO_ON };
	int outcome = parse_ipv4(eth, end, &packet);

	return outcome == PACKET_GO_ON ? balance(ctx, &packet, 0)
				       : leave_parse(ctx, &packet, outcome, 0);
}

LBD_INLINE int balance_ipv6(struct xdp_md *ctx, const struct ethhdr *eth, const void *end, __u32 l3)
{
	struct packet packet = { .ours = parse_is_ours(eth), .l3 = l3, .problem = PACKET_GO_ON };
	int outcome = parse_ipv6(ctx, eth, end, &packet);

	return outcome == PACKET_GO_ON ? balance(ctx, &packet, 1)
				       : leave_parse(ctx, &packet, outcome, 1);
}

/* By what the Ethernet header, or its last tag, says comes at offset @l3. */
LBD_INLINE int balance_ip(struct xdp_md *ctx, __be16 protocol, __u32 l3)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;

	if ((const void *)(eth + 1) > end)
		return leave(LBD_OUTCOME_PASS_TRUNCATED);
	if (protocol == bpf_htons(ETH_P_IP))
		return config_has(LBD_FEATURE_IPV4) ? balance_ipv4(ctx, eth, end, l3)
						    : leave(LBD_OUTCOME_PASS_NO_SERVICE);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return config_has(LBD_FEATURE_IPV6) ? balance_ipv6(ctx, eth, end, l3)
						    : leave(LBD_OUTCOME_PASS_NO_SERVICE);
	return leave(LBD_OUTCOME_PASS_NOT_IP);
}

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	__be16 protocol;

	if ((const void *)(eth + 1) > end)
		return leave(LBD_OUTCOME_PASS_TRUNCATED);
	protocol = packet_word16(&eth->h_proto);
	if (config_has(LBD_FEATURE_VLAN) && tag_is_one(protocol))
		return stage_enter(ctx, LBD_STAGE_TAGGED);
	return sample_watch(ctx, balance_ip(ctx, protocol, ETH_HLEN));
}

/* A frame with one or two tags: the same path, at offsets that vary. */
SEC("xdp")
int lbd_tagged(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct tag_pair *tags = (void *)(long)ctx->data + ETH_HLEN;

	if ((const void *)(tags + 1) > end)
		return leave(LBD_OUTCOME_PASS_TRUNCATED);
	return sample_watch(ctx, balance_ip(ctx, tag_protocol(tags), ETH_HLEN + tag_bytes(tags)));
}

LBD_INLINE int translate(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	__u16 backend = 0;
	int outcome, action;

	outcome = nat_route(packet, &backend, v6);
	if (!backend)
		return leave_unserved(ctx, packet, outcome);
	remember(ctx, packet, backend);
	action = forward_way(ctx, packet, backend, &outcome, FORWARD_NAT_ONLY, v6);
	count_exit(outcome, packet->service, backend);
	return action;
}

/* To a service by NAT, and there is more to do than to translate: a port is to be found. */
SEC("xdp")
int lbd_nat(struct xdp_md *ctx)
{
	struct packet *packet = handover_get();

	if (!packet)
		return leave(LBD_OUTCOME_DROP_TABLE);
	if (config_has(LBD_FEATURE_IPV4) && lbd_addr_is4(&packet->vip))
		return sample_watch(ctx, translate(ctx, packet, 0));
	return config_has(LBD_FEATURE_IPV6) ? sample_watch(ctx, translate(ctx, packet, 1))
					    : leave(LBD_OUTCOME_DROP_TABLE);
}

/* To a NAT address: a backend's answer. */
SEC("xdp")
int lbd_nat_return(struct xdp_md *ctx)
{
	const struct packet *packet = handover_get();
	int outcome = LBD_OUTCOME_DROP_TABLE, action = XDP_DROP;

	if (packet && config_has(LBD_FEATURE_IPV4) && lbd_addr_is4(&packet->vip))
		action = nat_return(ctx, packet, &outcome, 0);
	else if (packet && config_has(LBD_FEATURE_IPV6))
		action = nat_return(ctx, packet, &outcome, 1);
	count_outcome(outcome);
	return sample_watch(ctx, action);
}

LBD_INLINE int reset_ip(struct xdp_md *ctx, __u32 l3, _Bool v6)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet packet = { .l3 = l3, .problem = PACKET_GO_ON };
	int outcome = v6 ? parse_ipv6(ctx, data, end, &packet) : parse_ipv4(data, end, &packet);

	if (outcome == PACKET_GO_ON)
		outcome = reset_answer(ctx, &packet, v6);
	if (!reset_is_due(outcome))
		return leave(outcome);
	count_outcome(outcome);
	return XDP_TX;
}

/* A packet whose backend is dead: its client is told. */
SEC("xdp")
int lbd_reset(struct xdp_md *ctx)
{
	__u32 l3 = ETH_HLEN;
	__be16 protocol = tag_frame_protocol(ctx, &l3);

	return sample_watch(ctx, protocol == bpf_htons(ETH_P_IP) ? reset_ip(ctx, l3, 0)
								 : reset_ip(ctx, l3, 1));
}

LBD_INLINE int icmp(struct xdp_md *ctx, __u32 l3, _Bool v6)
{
	int action = ACTION_NONE;
	int outcome = icmp_handle(ctx, l3, &action, v6);

	if (config_has(LBD_FEATURE_NAT) && outcome == ICMP_STAGE_NAT)
		return stage_enter(ctx, LBD_STAGE_NAT_ICMP);
	return leave_by(outcome == LBD_OUTCOME_ANSWER_ECHO ? XDP_TX : action, outcome);
}

/* ICMP and ICMPv6: parsed again, as a stage is handed nothing but the frame. */
SEC("xdp")
int lbd_icmp(struct xdp_md *ctx)
{
	__u32 l3 = 0;
	__be16 protocol = tag_frame_protocol(ctx, &l3);

	if (protocol == bpf_htons(ETH_P_IP))
		return sample_watch(ctx, icmp(ctx, l3, 0));
	if (protocol == bpf_htons(ETH_P_IPV6))
		return sample_watch(ctx, icmp(ctx, l3, 1));
	return leave(LBD_OUTCOME_PASS_NOT_IP);
}

/* An error about a packet that was translated. */
SEC("xdp")
int lbd_nat_icmp(struct xdp_md *ctx)
{
	const struct packet *packet = handover_get();
	int outcome = LBD_OUTCOME_DROP_TABLE, action = ACTION_NONE;

	if (packet && config_has(LBD_FEATURE_IPV4) && lbd_addr_is4(&packet->vip))
		outcome = nat_error(ctx, packet, &action, 0);
	else if (packet && config_has(LBD_FEATURE_IPV6))
		outcome = nat_error(ctx, packet, &action, 1);
	return sample_watch(ctx, leave_by(action, outcome));
}

LBD_INLINE int follow(struct xdp_md *ctx, __u32 l3, _Bool v6)
{
	int action = ACTION_NONE;
	int outcome = fragment_follow(ctx, l3, &action, v6);

	if (config_has(LBD_FEATURE_NAT) && outcome == FRAGMENT_STAGE_NAT)
		return stage_enter(ctx, LBD_STAGE_NAT_FRAGMENT);
	return leave_by(action, outcome);
}

/* Fragments to a VIP or NAT address, other than the first. */
SEC("xdp")
int lbd_fragment(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 l3 = 0;
	__be16 protocol = tag_frame_protocol(ctx, &l3);

	if ((const void *)(eth + 1) > end)
		return leave(LBD_OUTCOME_PASS_TRUNCATED);
	if (!parse_is_ours(eth))
		return leave(LBD_OUTCOME_PASS_OTHER_HOST);
	return sample_watch(ctx, protocol == bpf_htons(ETH_P_IP) ? follow(ctx, l3, 0)
								 : follow(ctx, l3, 1));
}

/* Those of what is translated. */
SEC("xdp")
int lbd_nat_fragment(struct xdp_md *ctx)
{
	const struct packet *packet = handover_get();
	int outcome = LBD_OUTCOME_DROP_TABLE, action = ACTION_NONE;

	if (packet && config_has(LBD_FEATURE_IPV4) && lbd_addr_is4(&packet->vip))
		outcome = nat_fragment(ctx, packet, &action, 0);
	else if (packet && config_has(LBD_FEATURE_IPV6))
		outcome = nat_fragment(ctx, packet, &action, 1);
	return sample_watch(ctx, leave_by(action, outcome));
}

char _license[] SEC("license") = "GPL";
