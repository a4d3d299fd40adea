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
 */
#ifndef ICMP_BPF_H
#define ICMP_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/conn.bpf.h"
#include "bpf/echo.bpf.h"
#include "bpf/forward.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/parse.bpf.h"
#include "bpf/quote.bpf.h"
#include "bpf/source.bpf.h"
#include "bpf/vip.bpf.h"

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

/* Whole, and not cut into fragments? Finds where ICMP begins, behind any options. */
LBD_INLINE _Bool icmp_is_whole(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct iphdr *ip = (void *)(long)ctx->data + packet->l3;

	if ((const void *)(ip + 1) > end || packet->length > end - (const void *)ip || packet->more)
		return 0;
	if (!v6) {
		if (ip->ihl < 5 || ip->frag_off & bpf_htons(IPV4_OFFSET_MASK | IPV4_MORE))
			return 0;
		packet->l4 = packet->l3 + ip->ihl * 4;
	}
	return packet->l3 + packet->length >= packet->l4 + sizeof(struct answer_icmp);
}

/* To a VIP of ours, in a packet that is whole. PACKET_GO_ON: an error. */
LBD_INLINE int icmp_by_type(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	const struct answer_icmp *icmp = (void *)(long)ctx->data + packet->l4;
	int problem;

	if ((const void *)(icmp + 1) > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (config_has(LBD_FEATURE_ICMP_ERRORS) && icmp_is_error(icmp->type, v6))
		return PACKET_GO_ON;
	if (!config_has(LBD_FEATURE_ECHO) || !icmp_is_echo(icmp->type, v6))
		return LBD_OUTCOME_PASS_NOT_L4;
	problem = source_check(packet, v6);
	return problem == PACKET_GO_ON ? echo_answer(ctx, packet, v6) : problem;
}

LBD_INLINE int icmp_read(struct xdp_md *ctx, struct packet *packet, _Bool v6)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	int outcome;

	/* Found again, not handed over: so the verifier knows it to be one of three. */
	if (!tag_frame_protocol(ctx, &packet->l3) || (const void *)(eth + 1) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->problem = PACKET_GO_ON;
	packet->ours = parse_is_ours(eth);
	outcome = v6 ? parse_ipv6(eth, end, packet) : parse_ipv4(eth, end, packet);
	if (outcome != LBD_OUTCOME_PASS_NOT_L4)
		return outcome;
	if (!vip_is_one(packet, vip_snapshot(packet), &packet->vip))
		return LBD_OUTCOME_PASS_NOT_L4;
	if (!packet->ours)
		return LBD_OUTCOME_PASS_OTHER_HOST;
	if (!icmp_is_whole(ctx, packet, v6))
		return LBD_OUTCOME_PASS_NOT_L4;
	return icmp_by_type(ctx, packet, v6);
}

/*
 * Reading is a function of its own, not inlined: the verifier follows each of
 * its many ways to the end of it, and not through the forwarding behind it too.
 */
__attribute__((noinline)) int icmp_read_ipv4(struct xdp_md *ctx, struct packet *ret)
{
	struct packet packet = {};
	int outcome = icmp_read(ctx, &packet, 0);

	if (!ret)
		return LBD_OUTCOME_DROP_TABLE;
	*ret = packet;
	return outcome;
}

__attribute__((noinline)) int icmp_read_ipv6(struct xdp_md *ctx, struct packet *ret)
{
	struct packet packet = {};
	int outcome = icmp_read(ctx, &packet, 1);

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
	packet->syn = 1; /* which enters nothing */
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
	*ret_action = forward(ctx, packet, backend, &outcome, v6);
	trace_target(packet->service, backend);
	return outcome;
}

/*
 * Returns the outcome. *ret_action has the XDP action if the packet was
 * forwarded, and is left alone otherwise.
 */
LBD_INLINE int icmp_handle(struct xdp_md *ctx, __u32 l3, int *ret_action, _Bool v6)
{
	struct quote quote = {};
	struct packet read = {}, packet;
	int outcome = v6 ? icmp_read_ipv6(ctx, &read) : icmp_read_ipv4(ctx, &read);

	if (outcome == PACKET_GO_ON)
		outcome = quote_read(ctx, read.l4 + sizeof(struct answer_icmp), l3 + read.length,
				     v6, &quote);
	if (outcome != PACKET_GO_ON)
		return outcome;
	/* Not the one whose address was given away, of which the verifier knows nothing. */
	packet = read;
	packet.l3 = l3;
	outcome = icmp_turn(&packet, &quote);
	return outcome == PACKET_GO_ON ? icmp_forward(ctx, &packet, ret_action, v6) : outcome;
}

#endif
