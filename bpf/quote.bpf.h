/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet that an ICMP error quotes: its IP header, whatever options or
 * extension headers it has, and at least the ports. RFC 792 promises no more
 * than eight bytes behind the header.
 */
#ifndef QUOTE_BPF_H
#define QUOTE_BPF_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/extensions.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/parse.bpf.h"
#include "lbd/mask.h"

#define QUOTE_AT_MAX 2048

struct quote {
	struct lbd_addr source, dest;
	__u32 at;  /* where in the frame the next header to read is */
	__u32 end; /* of the IP packet that carries the quote */
	__be16 source_port, dest_port;
	__u8 protocol;
	__u8 unused[3];
};

/* Masked where it is used: older verifiers forget the bound of what was kept on the stack. */
LBD_INLINE void *quote_at(const struct xdp_md *ctx, const struct quote *quote)
{
	__u32 at = quote->at;

	LBD_OPAQUE(at);
	return (void *)(long)ctx->data + (at & (QUOTE_AT_MAX * 2 - 1));
}

/* @size bytes at the quote's place, NULL if they aren't there. */
LBD_INLINE const void *quote_bytes(struct xdp_md *ctx, const struct quote *quote, __u32 size)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *bytes;

	if (quote->at > QUOTE_AT_MAX || quote->at + size > quote->end)
		return NULL;
	bytes = quote_at(ctx, quote);
	return bytes + size > end ? NULL : bytes;
}

LBD_INLINE _Bool quote_ipv4(struct xdp_md *ctx, struct quote *quote)
{
	const struct iphdr *ip = quote_bytes(ctx, quote, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))
		return 0;
	quote->source = lbd_addr_from4(ip->saddr);
	quote->dest = lbd_addr_from4(ip->daddr);
	quote->protocol = ip->protocol;
	quote->at += ip->ihl * 4;
	return 1;
}

/* Through the extension headers. A later fragment shows no ports: unreadable. */
LBD_INLINE _Bool quote_walk(struct xdp_md *ctx, struct quote *quote)
{
	struct extensions walk = { .next = quote->protocol };
	const __u32 first = quote->at;

	/* Unrolled: a count that is kept on the stack is an endless loop to Linux 5.15. */
#pragma unroll
	for (int i = 0; i < EXTENSIONS_MAX && extensions_is_one(walk.next); i++) {
		if (quote->at > QUOTE_AT_MAX || quote->at + sizeof(struct extension) > quote->end ||
		    extensions_step(ctx, first, &walk) != PACKET_GO_ON || walk.fragment)
			return 0;
		quote->at = first + walk.offset;
	}
	quote->protocol = walk.next;
	return !extensions_is_one(walk.next);
}

LBD_INLINE _Bool quote_ipv6(struct xdp_md *ctx, struct quote *quote)
{
	const struct ipv6hdr *ip = quote_bytes(ctx, quote, sizeof(*ip));

	if (!ip || ip->version != 6)
		return 0;
	quote->source = packet_addr6(&ip->saddr);
	quote->dest = packet_addr6(&ip->daddr);
	quote->protocol = ip->nexthdr;
	quote->at += sizeof(*ip);
	return quote_walk(ctx, quote);
}

LBD_INLINE int quote_ports(struct xdp_md *ctx, struct quote *quote)
{
	const void *end = (void *)(long)ctx->data_end;
	const __be16 *ports = quote_at(ctx, quote);

	/* The node's own traffic, a ping that it sent or answered. */
	if (quote->protocol != IPPROTO_TCP && quote->protocol != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (quote->at > QUOTE_AT_MAX || quote->at + 2 * sizeof(*ports) > quote->end ||
	    (const void *)(ports + 2) > end)
		return LBD_OUTCOME_DROP_ICMP_BAD;
	quote->source_port = ports[0];
	quote->dest_port = ports[1];
	return PACKET_GO_ON;
}

/*
 * Read the packet that is quoted at @at, in a packet that ends at @end.
 * PACKET_GO_ON, or the outcome. Not inlined: the verifier follows each way of
 * reading to its end, not through what comes after.
 */
__attribute__((noinline)) int quote_read(struct xdp_md *ctx, __u32 at, __u32 end, __u32 v6,
					 struct quote *ret)
{
	if (!ret)
		return LBD_OUTCOME_DROP_ICMP_BAD;
	*ret = (struct quote){ .at = at, .end = end };
	if (!(v6 ? quote_ipv6(ctx, ret) : quote_ipv4(ctx, ret)))
		return LBD_OUTCOME_DROP_ICMP_BAD;
	return quote_ports(ctx, ret);
}

#endif
