/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this node says itself, in a VIP's name: errors of ICMP (RFC 792) and
 * ICMPv6 (RFC 4443). The frame that caused one becomes the answer, and goes
 * back out of the interface that it came from:
 *
 *   | link | IP packet ...   ->   | link, turned | IP | ICMP | IP packet, cut |
 *
 * Tags stay as they are. Every CPU gives only so many answers a second. All of
 * this reads the frame anew: it is far off the way that packets mostly take.
 */
#ifndef ANSWER_BPF_H
#define ANSWER_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/clock.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/csum.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/parse.bpf.h"
#include "bpf/source.bpf.h"

#define ANSWER_TTL 64
#define ANSWER_PRECEDENCE 0xc0 /* internetwork control (RFC 1812, 4.3.2.5) */
#define ANSWER_DF 0x4000
#define ANSWER_L3_MAX 22     /* behind two tags */
#define ANSWER_IPV4_MAX 576  /* of an error, all told (RFC 1812, 4.3.2.3) */
#define ANSWER_IPV6_MAX 1280 /* RFC 4443, 2.4 c */

/* Nothing may be said to this packet; its own outcome holds. */
#define ANSWER_NONE (-2)

/* What ICMP and ICMPv6 have alike. */
struct answer_icmp {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be32 rest;
};

/*
 * One more answer: is it within the rate? A bucket holds a second's worth. A
 * jiffy brings answer_rate units, an answer costs as many as a second has jiffies.
 */
LBD_INLINE _Bool answer_may(void)
{
	const __u64 second = 1ULL << lbd_config.tick_shift;
	const __u64 full = lbd_config.answer_rate * second;
	const __u64 now = clock_jiffies();
	struct lbd_answers *bucket;
	__u64 passed, level;
	__u32 zero = 0;

	bucket = bpf_map_lookup_elem(&lbd_answers, &zero);
	if (!bucket)
		return 0;
	passed = now - bucket->jiffies;
	level = bucket->level + (passed < second ? passed : second) * lbd_config.answer_rate;
	if (level > full)
		level = full;
	if (level < second)
		return 0;
	if (config_writes()) {
		bucket->jiffies = now;
		bucket->level = level - second;
	}
	return 1;
}

/* Send the frame back to where it came from. */
LBD_INLINE void answer_turn(struct ethhdr *eth)
{
	__u16 *to = (void *)eth->h_dest, *from = (void *)eth->h_source;

#pragma unroll
	for (int i = 0; i < ETH_ALEN / 2; i++) {
		__u16 word = to[i];

		to[i] = from[i];
		from[i] = word;
	}
}

/* --- may this packet be answered? (RFC 1122, 3.2.2; RFC 4443, 2.4 e) */

LBD_INLINE _Bool answer_is_due4(const struct iphdr *ip)
{
	return ip->protocol != IPPROTO_ICMP && !(ip->frag_off & bpf_htons(IPV4_OFFSET_MASK)) &&
	       !source_martian4(ip->saddr);
}

LBD_INLINE _Bool answer_is_due6(const struct ipv6hdr *ip)
{
	const struct lbd_addr source = packet_addr6(&ip->saddr);

	return ip->nexthdr != IPPROTO_ICMPV6 && !source_martian6(&source);
}

/* --- making room */

/* Put the link header, its addresses exchanged, @room bytes before where it was. */
LBD_INLINE int answer_move_link(struct xdp_md *ctx, __u32 l3, const __u32 room)
{
	void *to, *from;

	if (bpf_xdp_adjust_head(ctx, -(int)room))
		return LBD_OUTCOME_DROP_HEADROOM;
	to = (void *)(long)ctx->data;
	from = to + room;
	if (from + ANSWER_L3_MAX > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_DROP_HEADROOM;
#pragma unroll
	for (__u32 i = 0; i < ANSWER_L3_MAX; i += 2)
		if (i < l3)
			*(__u16 *)(to + i) = packet_word16(from + i);
	answer_turn(to);
	return PACKET_GO_ON;
}

/* Cut the frame to @size. */
LBD_INLINE int answer_cut(struct xdp_md *ctx, __u32 size)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	long now = end - data;

	/* Or clang subtracts the lower halves only, which the verifier refuses of pointers. */
	asm volatile("" : "+r"(now));
	if (bpf_xdp_adjust_tail(ctx, (int)size - (int)now))
		return LBD_OUTCOME_DROP_HEADROOM;
	return PACKET_GO_ON;
}

/* --- headers. The quoted packet, which says from whom to whom, is behind them. */

LBD_INLINE void answer_put_ipv4(struct iphdr *ip, __u32 length)
{
	const struct iphdr *quoted = (const void *)(ip + 1) + sizeof(struct answer_icmp);
	struct iphdr answer = {
		.version = 4,
		.ihl = 5,
		.tos = ANSWER_PRECEDENCE,
		.tot_len = bpf_htons(length),
		.frag_off = bpf_htons(ANSWER_DF),
		.ttl = ANSWER_TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = quoted->daddr,
		.daddr = quoted->saddr,
	};

	answer.check = csum_ipv4(&answer);
	*ip = answer;
}

LBD_INLINE void answer_put_ipv6(struct ipv6hdr *ip, __u32 length)
{
	const struct ipv6hdr *quoted = (const void *)(ip + 1) + sizeof(struct answer_icmp);
	const struct lbd_addr source = packet_addr6(&quoted->daddr);
	const struct lbd_addr dest = packet_addr6(&quoted->saddr);

	*(__be32 *)ip = bpf_htonl(6U << 28);
	ip->payload_len = bpf_htons(length - sizeof(*ip));
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ANSWER_TTL;
	packet_put_addr6(&ip->saddr, &source);
	packet_put_addr6(&ip->daddr, &dest);
}

/* The checksum of an answer of @length bytes that stands behind the IP header at @l3. */
LBD_INLINE int answer_checksum(struct xdp_md *ctx, __u32 l3, __u32 length, _Bool v6)
{
	const __u32 header = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct answer_icmp *icmp;
	struct ipv6hdr *ip;
	__u64 pseudo = 0;
	int sum;

	sum = csum_frame(ctx, l3 + header, length - header, 0);
	ip = (void *)(long)ctx->data + l3;
	icmp = (void *)ip + header;
	if (sum < 0 || (void *)(icmp + 1) > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_DROP_HEADROOM;
	if (v6)
		pseudo = csum_pseudo6(&ip->saddr, &ip->daddr, length - header, IPPROTO_ICMPV6);
	icmp->checksum = ~csum_fold(pseudo + (__u32)sum);
	return PACKET_GO_ON;
}

/* --- all of it */

/* How long the answer is as an IP packet; 0 if none may be given. */
LBD_INLINE __u32 answer_length(struct xdp_md *ctx, __u32 l3, _Bool v6)
{
	const __u32 header = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const __u32 most = v6 ? ANSWER_IPV6_MAX : ANSWER_IPV4_MAX;
	const void *end = (void *)(long)ctx->data_end;
	const struct ipv6hdr *ip6 = (void *)(long)ctx->data + l3;
	const struct iphdr *ip4 = (const void *)ip6;
	__u32 length;

	if ((const void *)ip4 + header > end || !(v6 ? answer_is_due6(ip6) : answer_is_due4(ip4)))
		return 0;
	length = v6 ? bpf_ntohs(ip6->payload_len) + header : bpf_ntohs(ip4->tot_len);
	length += header + sizeof(struct answer_icmp);
	return length < most ? length : most;
}

LBD_INLINE int answer_error(struct xdp_md *ctx, __u32 l3, __u8 type, __u8 code, __be32 rest,
			    _Bool v6)
{
	const __u32 header = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const __u32 room = header + sizeof(struct answer_icmp);
	struct answer_icmp *icmp;
	__u32 length;
	void *ip;

	length = l3 <= ANSWER_L3_MAX ? answer_length(ctx, l3, v6) : 0;
	if (!length)
		return ANSWER_NONE;
	if (!answer_may())
		return LBD_OUTCOME_DROP_ANSWER_LIMIT;
	if (answer_move_link(ctx, l3, room) != PACKET_GO_ON ||
	    answer_cut(ctx, l3 + length) != PACKET_GO_ON)
		return LBD_OUTCOME_DROP_HEADROOM;
	ip = (void *)(long)ctx->data + l3;
	icmp = ip + header;
	if ((void *)(icmp + 1) + header > (void *)(long)ctx->data_end)
		return LBD_OUTCOME_DROP_HEADROOM;
	*icmp = (struct answer_icmp){ .type = type, .code = code, .rest = rest };
	if (v6)
		answer_put_ipv6(ip, length);
	else
		answer_put_ipv4(ip, length);
	return answer_checksum(ctx, l3, length, v6);
}

/*
 * Make the frame an ICMP error about the IPv4 (IPv6) packet at @l3 in it, with
 * @rest as the header's second word. PACKET_GO_ON: it is, send it with XDP_TX.
 * ANSWER_NONE, and the frame as it was: no error may be sent about it. Else the
 * outcome: over the rate, or no room.
 */
__attribute__((noinline)) int answer_error4(struct xdp_md *ctx, __u32 l3, __u32 type, __u32 code,
					    __be32 rest)
{
	return answer_error(ctx, l3, type, code, rest, 0);
}

__attribute__((noinline)) int answer_error6(struct xdp_md *ctx, __u32 l3, __u32 type, __u32 code,
					    __be32 rest)
{
	return answer_error(ctx, l3, type, code, rest, 1);
}

/* --- too big */

#define ANSWER_UNREACHABLE4 3 /* type, and its code "fragmentation needed" (RFC 1191) */
#define ANSWER_NEEDS_FRAGMENTS 4
#define ANSWER_TOO_BIG6 2

/*
 * IPv4: said also to who allows fragments. RFC 791 would have them made here,
 * but XDP can't, and a host that hears of the MTU makes them itself.
 */
LBD_INLINE int answer_too_big4(struct xdp_md *ctx, __u32 l3, __u32 mtu)
{
	return answer_error4(ctx, l3, ANSWER_UNREACHABLE4, ANSWER_NEEDS_FRAGMENTS, bpf_htonl(mtu));
}

/* IPv6: nobody sends less than 1280 bytes on account of this (RFC 8201, 4). */
LBD_INLINE int answer_too_big6(struct xdp_md *ctx, __u32 l3, __u32 length, __u32 mtu)
{
	if (length <= ANSWER_IPV6_MAX)
		return ANSWER_NONE;
	if (mtu < ANSWER_IPV6_MAX)
		mtu = ANSWER_IPV6_MAX;
	return answer_error6(ctx, l3, ANSWER_TOO_BIG6, 0, bpf_htonl(mtu));
}

/*
 * The packet of @length bytes at @l3 would fit if it had @mtu: tell who sent
 * it. Returns the outcome; ANSWER_TOO_BIG: the frame is the answer, send it with XDP_TX.
 */
__attribute__((noinline)) int answer_too_big(struct xdp_md *ctx, __u32 l3, __u32 length, __u32 mtu,
					     _Bool v6)
{
	int problem = v6 ? answer_too_big6(ctx, l3, length, mtu) : answer_too_big4(ctx, l3, mtu);

	if (problem == PACKET_GO_ON)
		return LBD_OUTCOME_ANSWER_TOO_BIG;
	return problem == ANSWER_NONE ? LBD_OUTCOME_DROP_TOO_BIG : problem;
}

#endif
