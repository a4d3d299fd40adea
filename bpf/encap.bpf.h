/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all tunnels have alike: the outer IP header, and UDP behind it. A mode's
 * own header is in a file of its name; IP in IP (ipip: RFC 2003, RFC 2473,
 * RFC 4213) has none. Each takes IPv4 and IPv6 packets over either.
 *
 *   | Ethernet | outer IP | what the mode puts there | the packet |
 *
 * The outer header copies DSCP and ECN (RFC 6040, normal mode) and starts with
 * a TTL or hop limit of its own; the inner packet, its TTL included, arrives as
 * the client sent it. Outer IPv4 is never fragmented on its way (DF, and so an
 * id of 0: RFC 6864). The outer source varies per flow within a configured
 * prefix, so that receivers, which hash outer addresses, spread the flows over
 * their queues; so does the UDP source port.
 */
#ifndef ENCAP_BPF_H
#define ENCAP_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/csum.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/tag.bpf.h"
#include "lbd/mask.h"

#define ENCAP_TTL 64
#define ENCAP_DF 0x4000
#define ENCAP_PORT_MIN 0xc000			  /* of UDP sources: the dynamic ones (RFC 6335) */
#define ENCAP_LINK_MAX (ETH_HLEN + 2 * TAG_BYTES) /* what may stand before the IP header */

#define ENCAP_GRE 4
#define ENCAP_OVERLAY (8 + sizeof(struct ethhdr)) /* VXLAN and Geneve: header, inner Ethernet */

/* Bytes between the outer IP header and the packet. */
LBD_INLINE __u32 encap_between(__u8 forward)
{
	switch (forward) {
	case LBD_FORWARD_GUE:
		return sizeof(struct udphdr);
	case LBD_FORWARD_GRE:
		return ENCAP_GRE;
	case LBD_FORWARD_VXLAN:
	case LBD_FORWARD_GENEVE:
		return sizeof(struct udphdr) + ENCAP_OVERLAY;
	default:
		return 0;
	}
}

/* Bytes that the tunnel to @backend adds to a packet. */
LBD_INLINE __u32 encap_overhead(const struct lbd_backend *backend, __u8 forward)
{
	return encap_between(forward) +
	       (lbd_addr_is4(&backend->addr) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Differs between flows, and is the same on every node. */
LBD_INLINE __u32 encap_spread(const struct packet *packet)
{
	__u64 ports = (__u64)packet->client_port << 16 | packet->vip_port;

	return (__u32)(lbd_mix(packet->client.halves[0] ^ packet->client.halves[1] ^ ports) >> 20);
}

LBD_INLINE void encap_outer4(struct iphdr *ip, const struct packet *packet,
			     const struct lbd_backend *backend, __u8 forward, __u8 protocol)
{
	__u32 source = backend->tunnel_base4 | (encap_spread(packet) & backend->tunnel_host4);
	struct iphdr outer = {
		.version = 4,
		.ihl = 5,
		.tos = packet->traffic,
		.tot_len = bpf_htons(packet->length + sizeof(outer) + encap_between(forward)),
		.frag_off = bpf_htons(ENCAP_DF),
		.ttl = ENCAP_TTL,
		.protocol = protocol,
		.saddr = bpf_htonl(source),
		.daddr = backend->addr.words[3],
	};

	outer.check = csum_ipv4(&outer);
	*ip = outer;
}

LBD_INLINE void encap_outer6(struct ipv6hdr *ip, const struct packet *packet,
			     const struct lbd_backend *backend, __u8 forward, __u8 protocol)
{
	__u32 spread = encap_spread(packet);
	__be32 *source = (__be32 *)&ip->saddr;

	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)packet->traffic << 20 | (spread & 0xfffff));
	ip->payload_len = bpf_htons(packet->length + encap_between(forward));
	ip->nexthdr = protocol;
	ip->hop_limit = ENCAP_TTL;
	*(__be64 *)source = backend->tunnel_base6;
	source[2] = 0;
	source[3] = bpf_htonl(spread);
	packet_put_addr6(&ip->daddr, &backend->addr);
}

/*
 * UDP towards @port. No checksum: the packet inside has its own, and to sum the
 * bytes up would cost more than all the rest. For IPv6 that is what RFC 6935
 * and RFC 6936 allow tunnels; receivers must be told to take it.
 */
LBD_INLINE void encap_udp(struct udphdr *udp, const struct packet *packet, __be16 port,
			  __u8 forward)
{
	udp->source = bpf_htons(ENCAP_PORT_MIN | encap_spread(packet) >> 18);
	udp->dest = port;
	udp->len = bpf_htons(packet->length + encap_between(forward));
	udp->check = 0;
}

/*
 * Put Ethernet and outer IP, which says @protocol, before the packet, and room
 * between for what mode @forward puts there: *ret_between. PACKET_GO_ON or a drop.
 */
LBD_INLINE int encap_open(struct xdp_md *ctx, const struct packet *packet,
			  const struct lbd_backend *backend, const __u8 forward,
			  const __u8 protocol, void **ret_between)
{
	const _Bool outer4 = lbd_addr_is4(&backend->addr);
	const __u32 overhead = encap_overhead(backend, forward);
	__u32 before = packet->l3 - sizeof(__be16);
	void *data, *end, *outer;
	__be16 *type;

	if (packet->length + overhead > backend->mtu)
		return LBD_OUTCOME_DROP_TOO_BIG;
	if (bpf_xdp_adjust_head(ctx, -(int)overhead))
		return LBD_OUTCOME_DROP_HEADROOM;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	/* Behind tags it varies, and the verifier takes no negative offset from what varies. */
	if (!__builtin_constant_p(before))
		LBD_OPAQUE(before);
	type = data + before;
	outer = type + 1;
	if (outer + sizeof(struct ipv6hdr) + encap_between(forward) > end ||
	    data + ENCAP_LINK_MAX + overhead > end)
		return LBD_OUTCOME_DROP_HEADROOM;
	tag_move(data, data + overhead, packet->l3);
	*type = outer4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (outer4)
		encap_outer4(outer, packet, backend, forward, protocol);
	else
		encap_outer6(outer, packet, backend, forward, protocol);
	*ret_between = outer + (outer4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	return PACKET_GO_ON;
}

/* IP in IP: nothing between. */
LBD_INLINE int encap_ipip(struct xdp_md *ctx, const struct packet *packet,
			  const struct lbd_backend *backend, _Bool v6)
{
	void *between;

	return encap_open(ctx, packet, backend, LBD_FORWARD_IPIP, v6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
			  &between);
}

#endif
