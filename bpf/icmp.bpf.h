/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP (RFC 792) and ICMPv6 (RFC 4443) to a VIP.
 *
 *   echo request    answered here, as the address may be on no interface of ours
 *   error           to the backend that sent what it quotes
 *   anything else   left to the kernel: ND, fragments, and what isn't to a VIP
 *
 * An error quotes a packet from the VIP to a client. It is read the other way
 * round, as if the client had sent it; then it belongs where that packet would
 * go. Whoever sends it may be anybody: it makes, confirms and refreshes no entry.
 * One about a translated packet goes on to a stage of its own (nat_icmp.bpf.h).
 */
#ifndef ICMP_BPF_H
#define ICMP_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/conn.bpf.h"
#include "bpf/echo.bpf.h"
#include "bpf/forward.bpf.h"
#include "bpf/guard.bpf.h"
#include "bpf/handover.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/parse.bpf.h"
#include "bpf/quote.bpf.h"
#include "bpf/source.bpf.h"
#include "bpf/vip.bpf.h"

/* What stands before ICMP is shorter, in the packet and in the frame. */
#define ICMP_AT_MAX 2048
#define ICMP_L4_MAX (ICMP_AT_MAX + ENCAP_LINK_MAX)

/* A bit for each type that quotes a packet. */
#define ICMP4_ERRORS (1U << 3 | 1U << 4 | 1U << 11 | 1U << 12)
#define ICMP6_ERRORS (1U << 1 | 1U << 2 | 1U << 3 | 1U << 4)

LBD_INLINE _Bool icmp_is_error(__u8 type, _Bool v6)
{
	return type < 32 && (v6 ? ICMP6_ERRORS : ICMP4_ERRORS) >> type & 1;
}

LBD_INLINE _Bool icmp_is_echo(__u8 type, _Bool v6)
{
	return type == (v6 ? ICMP6_ECHO : ICMP4_ECHO);
}

/* Where ICMP begins in the packet, behind any options; 0: it is a fragment, or no header. */
LBD_INLINE __u32 icmp_find_ipv4(const struct iphdr *ip, const void *end)
{
	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 ||
	    ip->frag_off & bpf_htons(IPV4_OFFSET_MASK | IPV4_MORE))
		return 0;
	return ip->ihl * 4;
}

LBD_INLINE __u32 icmp_find_ipv6(struct xdp_md *ctx, const struct ipv6hdr *ip, const void *end,
				__u32 l3)
{
	struct extensions walk;
	int packed;

	if ((const void *)(ip + 1) > end)
		return 0;
	packed = extensions_walk(ctx, l3, bpf_ntohs(ip->payload_len) + sizeof(*ip), ip->nexthdr);
	walk = extensions_unpack(packed);
	if (packed < 0 || walk.fragment || walk.more || walk.next != IPPROTO_ICMPV6)
		return 0;
	return walk.offset;
}

/* Not inlined: the verifier walks to the end of it, and not on from each of its ends. */
__attribute__((noinline)) int icmp_find(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	__u32 l3 = 0;
	__be16 protocol = tag_frame_protocol(ctx, &l3);
	const void *ip = (void *)(long)ctx->data + l3;

	if (protocol == bpf_htons(ETH_P_IP))
		return icmp_find_ipv4(ip, end);
	return protocol == bpf_htons(ETH_P_IPV6) ? icmp_find_ipv6(ctx, ip, end, l3) : 0;
}

#define ICMP_PING (-3)

/* To a VIP of ours, in a packet that is whole. PACKET_GO_ON: an error. ICMP_PING: to be answered. */
LBD_INLINE int icmp_by_type(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	const struct answer_icmp *icmp;
	__u32 l4 = packet->l4;
	int problem;

	/* Or clang drops the test, knowing the bound better than the verifier does. */
	asm volatile("" : "+r"(l4));
	if (l4 > ICMP_L4_MAX)
		return LBD_OUTCOME_PASS_NOT_L4;
	icmp = (void *)(long)ctx->data + l4;
	if ((const void *)(icmp + 1) > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (config_has(LBD_FEATURE_ICMP_ERRORS) && icmp_is_error(icmp->type, v6))
		return source_check(packet, v6);
	if (!config_has(LBD_FEATURE_ECHO) || !icmp_is_echo(icmp->type, v6))
		return LBD_OUTCOME_PASS_NOT_L4;
	problem = source_check(packet, v6);
	return problem == PACKET_GO_ON ? ICMP_PING : problem;
}

LBD_INLINE _Bool icmp_read_ipv4(const struct iphdr *ip, const void *end, struct packet *packet)
{
	if ((const void *)(ip + 1) > end)
		return 0;
	packet->client = lbd_addr_from4(ip->saddr);
	packet->vip = lbd_addr_from4(ip->daddr);
	packet->length = bpf_ntohs(ip->tot_len);
	packet->traffic = ip->tos;
	return 1;
}

LBD_INLINE _Bool icmp_read_ipv6(const struct ipv6hdr *ip, const void *end, struct packet *packet)
{
	if ((const void *)(ip + 1) > end)
		return 0;
	packet->client = packet_addr6(&ip->saddr);
	packet->vip = packet_addr6(&ip->daddr);
	packet->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	packet->traffic = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	return 1;
}

/* @at: where ICMP begins in the packet; 0: that isn't known. */
LBD_INLINE int icmp_read(struct xdp_md *ctx, __u32 at, struct packet *packet, _Bool v6)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const void *ip;

	/* Found again, not handed over: so the verifier knows it to be one of three. */
	if (!tag_frame_protocol(ctx, &packet->l3) || data + sizeof(struct ethhdr) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	ip = data + packet->l3;
	if (!(v6 ? icmp_read_ipv6(ip, end, packet) : icmp_read_ipv4(ip, end, packet)))
		return LBD_OUTCOME_PASS_TRUNCATED;
	/* IPv4 addresses don't travel in IPv6: not an IPv4 VIP. */
	if ((v6 && lbd_addr_is4(&packet->vip)) ||
	    !vip_is_one(packet, vip_snapshot(packet), &packet->vip))
		return LBD_OUTCOME_PASS_NOT_L4;
	if (!parse_is_ours(data))
		return LBD_OUTCOME_PASS_OTHER_HOST;
	if (!at || at > ICMP_AT_MAX || packet->length > end - ip ||
	    packet->length < at + sizeof(struct answer_icmp))
		return LBD_OUTCOME_PASS_NOT_L4;
	packet->l4 = packet->l3 + at;
	return icmp_by_type(ctx, packet, v6);
}

/* Not inlined either: reading, and whatever is decided before an error is forwarded. */
__attribute__((noinline)) int icmp_decide(struct xdp_md *ctx, __u32 at, __u32 v6,
					  struct packet *ret)
{
	struct packet packet = {};
	int outcome = v6 ? icmp_read(ctx, at, &packet, 1) : icmp_read(ctx, at, &packet, 0);

	if (!ret)
		return LBD_OUTCOME_DROP_TABLE;
	*ret = packet;
	return outcome;
}

/*
 * Make of an ICMP error to a VIP the packet that the client of the quoted one
 * would send; how long it is, and where, stays as it was.
 */
LBD_INLINE int icmp_turn(struct packet *packet, const struct quote *quote)
{
	if (!lbd_addr_equal(&quote->source, &packet->vip))
		return LBD_OUTCOME_DROP_ICMP_BAD;
	packet->client = quote->dest;
	packet->client_port = quote->dest_port;
	packet->vip_port = quote->source_port;
	packet->protocol = quote->protocol;
	return vip_service(packet, vip_salt(packet));
}

/* To the backend that the packet belongs to. */
LBD_INLINE int icmp_forward(struct xdp_md *ctx, const struct packet *packet, int *ret_action,
			    _Bool v6)
{
	int outcome = LBD_OUTCOME_FORWARD_ICMP;
	__u16 backend = conn_owner(packet, v6);

	if (!backend)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	*ret_action = forward_way(ctx, packet, backend, &outcome, FORWARD_WITHOUT_NAT, v6);
	trace_target(packet->service, backend);
	return outcome;
}

LBD_INLINE int icmp_answer(struct xdp_md *ctx, const struct packet *packet, _Bool v6)
{
	int problem = guard_stranger(packet, 1, v6);

	return problem == PACKET_GO_ON ? echo_answer(ctx, packet, v6) : problem;
}

/* May its sender say anything about flows of the service? To a NAT address write backends. */
LBD_INLINE int icmp_guard(const struct packet *packet, const struct lbd_addr *sender, _Bool v6)
{
	const struct packet from = { .client = *sender,
				     .half = packet->half,
				     .service = packet->service };

	return packet->service ? guard_stranger(&from, 1, v6) : PACKET_GO_ON;
}

/* A copy of what was read: of that whose address was given away the verifier knows nothing. */
LBD_INLINE int icmp_begin(struct xdp_md *ctx, struct packet *ret, _Bool v6)
{
	struct packet read = {};
	int outcome = icmp_decide(ctx, icmp_find(ctx), v6, &read);

	*ret = read;
	return outcome;
}

LBD_INLINE int icmp_quoted(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	struct quote quote = {};
	const struct lbd_addr sender = packet->client;
	int outcome = quote_read(ctx, packet->l4 + sizeof(struct answer_icmp),
				 packet->l3 + packet->length, v6, &quote);

	if (outcome == PACKET_GO_ON)
		outcome = icmp_turn(packet, &quote);
	return outcome == PACKET_GO_ON ? icmp_guard(packet, &sender, v6) : outcome;
}

#define ICMP_STAGE_NAT (-2)

/*
 * Returns the outcome, or ICMP_STAGE_NAT. *ret_action has the XDP action if the packet was
 * forwarded, and is left alone otherwise.
 */
LBD_INLINE int icmp_handle(struct xdp_md *ctx, __u32 l3, int *ret_action, _Bool v6)
{
	struct packet packet;
	int outcome = icmp_begin(ctx, &packet, v6);

	packet.l3 = l3;
	if (config_has(LBD_FEATURE_ECHO) && outcome == ICMP_PING)
		return icmp_answer(ctx, &packet, v6);
	if (outcome == PACKET_GO_ON)
		outcome = icmp_quoted(ctx, &packet, v6);
	if (outcome != PACKET_GO_ON)
		return outcome;
	if (config_has(LBD_FEATURE_NAT) && packet.translated) {
		handover_put(&packet);
		return ICMP_STAGE_NAT;
	}
	return icmp_forward(ctx, &packet, ret_action, v6);
}

#endif
