/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IP in IP: 4in4 (RFC 2003), 6in6 and 4in6 (RFC 2473), 6in4 (RFC 4213).
 *
 * The outer header copies DSCP and ECN (RFC 6040, normal mode). Outer IPv4 is
 * never fragmented on its way (DF, and so an id of 0: RFC 6864). The inner
 * packet, its TTL included, arrives as the client sent it. The outer source
 * varies per flow within a configured prefix, so that receivers, which hash
 * outer addresses, spread the flows over their queues.
 */
#ifndef ENCAP_BPF_H
#define ENCAP_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/tag.bpf.h"

#define ENCAP_TTL 64
#define ENCAP_DF 0x4000
#define ENCAP_LINK_MAX (ETH_HLEN + 2 * TAG_BYTES) /* what may stand before the IP header */

/* Differs between flows, and is the same on every node. */
LBD_INLINE __u32 encap_spread(const struct packet *packet)
{
	__u64 ports = (__u64)packet->client_port << 16 | packet->vip_port;

	return (__u32)(lbd_mix(packet->client.halves[0] ^ packet->client.halves[1] ^ ports) >> 20);
}

LBD_INLINE __u16 encap_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

LBD_INLINE void encap_outer4(struct iphdr *ip, const struct packet *packet,
			     const struct lbd_backend *backend, __u8 inner)
{
	__u32 source = backend->tunnel_base4 | (encap_spread(packet) & backend->tunnel_host4);
	struct iphdr outer = {
		.version = 4,
		.ihl = 5,
		.tos = packet->traffic,
		.tot_len = bpf_htons(packet->length + sizeof(outer)),
		.frag_off = bpf_htons(ENCAP_DF),
		.ttl = ENCAP_TTL,
		.protocol = inner,
		.saddr = bpf_htonl(source),
		.daddr = backend->addr.words[3],
	};

	outer.check = encap_checksum(&outer);
	*ip = outer;
}

LBD_INLINE void encap_outer6(struct ipv6hdr *ip, const struct packet *packet,
			     const struct lbd_backend *backend, __u8 inner)
{
	__u32 spread = encap_spread(packet);
	__be32 *source = (__be32 *)&ip->saddr;

	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)packet->traffic << 20 | (spread & 0xfffff));
	ip->payload_len = bpf_htons(packet->length);
	ip->nexthdr = inner;
	ip->hop_limit = ENCAP_TTL;
	*(__be64 *)source = backend->tunnel_base6;
	source[2] = 0;
	source[3] = bpf_htonl(spread);
	packet_put_addr6(&ip->daddr, &backend->addr);
}

/* Put Ethernet and outer header before the packet. Returns PACKET_GO_ON or a drop. */
LBD_INLINE int encap_ipip(struct xdp_md *ctx, const struct packet *packet,
			  const struct lbd_backend *backend, _Bool v6)
{
	const _Bool outer4 = lbd_addr_is4(&backend->addr);
	const __u8 inner = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	const int overhead = outer4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	void *data, *end, *outer;
	__be16 *protocol;

	if (packet->length + overhead > backend->mtu)
		return LBD_OUTCOME_DROP_TOO_BIG;
	if (bpf_xdp_adjust_head(ctx, -overhead))
		return LBD_OUTCOME_DROP_HEADROOM;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	outer = data + packet->l3;
	if (outer + sizeof(struct ipv6hdr) > end || data + ENCAP_LINK_MAX + overhead > end)
		return LBD_OUTCOME_DROP_HEADROOM;
	tag_move(data, data + overhead, packet->l3);
	protocol = outer - sizeof(*protocol);
	if (outer4) {
		*protocol = bpf_htons(ETH_P_IP);
		encap_outer4(outer, packet, backend, inner);
	} else {
		*protocol = bpf_htons(ETH_P_IPV6);
		encap_outer6(outer, packet, backend, inner);
	}
	return PACKET_GO_ON;
}

#endif
