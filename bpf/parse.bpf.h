/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame to struct packet: Ethernet with up to two tags (IEEE 802.1Q, 802.1ad),
 * IPv4 (RFC 791) or IPv6 (RFC 8200), then the ports and flags of TCP (RFC 9293)
 * or UDP (RFC 768). Every read is checked against the frame's end; nothing is
 * written.
 *
 * What can't be right is noted as packet->problem, and not decided here: only
 * packets to a VIP are dropped for it, all others are the kernel's.
 */
#ifndef PARSE_BPF_H
#define PARSE_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/extensions.bpf.h"
#include "bpf/packet.bpf.h"

/* Of frag_off. */
#define IPV4_OFFSET_MASK 0x1fff /* in words of 8 bytes */
#define IPV4_MORE 0x2000

/* RFC 9568, 7.3: the virtual router's address, where keepalived uses one. */
LBD_INLINE _Bool parse_is_vrrp_mac(const __u8 *mac)
{
	return !mac[0] && !mac[1] && mac[2] == 0x5e && !mac[3] && (mac[4] == 1 || mac[4] == 2);
}

/*
 * Is the frame for this node? A promiscuous interface behind a flooding switch
 * also sees those of its peer, and forwarding them would double every packet.
 */
LBD_INLINE _Bool parse_is_ours(const struct ethhdr *eth)
{
	const __u32 count = lbd_config.macs_count;
	const __u32 first = packet_word32(eth->h_dest);
	const __u16 last = packet_word16(eth->h_dest + sizeof(first));

#pragma unroll
	for (__u32 i = 0; i < LBD_MACS_MAX; i++)
		if (i < count && first == lbd_config.macs[i].first &&
		    last == lbd_config.macs[i].last)
			return 1;
	return !count || parse_is_vrrp_mac(eth->h_dest);
}

/* What is read of a TCP header; UDP has the same first four bytes. */
struct parse_ports {
	__be16 source;
	__be16 dest;
	union {
		__be32 sequence;
		__be16 udp_length;
	};
	__be32 acknowledgement;
	__u8 offset; /* upper half: of the data, in words */
	__u8 flags;
};

#define UDP_HEADER 8
#define TCP_HEADER 20

/*
 * Flags that no sender sets: SYN with FIN or RST, FIN with RST, FIN alone, or
 * nothing that moves a connection on. PSH and URG change nothing of that.
 */
LBD_INLINE _Bool parse_flags_bad(__u8 flags)
{
	switch (flags) {
	case TCP_SYN:
	case TCP_SYN | TCP_ACK:
	case TCP_ACK:
	case TCP_FIN | TCP_ACK:
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return 0;
	default:
		return 1;
	}
}

LBD_INLINE void parse_tcp(const struct parse_ports *tcp, int room, struct packet *packet)
{
	const __u8 flags = tcp->flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK);
	const int header = (tcp->offset >> 4) * 4;

	if (header < TCP_HEADER || header > room) {
		packet->problem = LBD_OUTCOME_DROP_BAD_LENGTH;
		return;
	}
	if (flags == TCP_ACK)
		return;
	packet->syn = flags == TCP_SYN;
	packet->fin = flags & (TCP_FIN | TCP_RST);
	if (parse_flags_bad(flags))
		packet->problem = LBD_OUTCOME_DROP_BAD_FLAGS;
}

/*
 * @room: what the IP header says is left for this one. The frame's end alone
 * won't do: padding behind a short packet is no header.
 */
LBD_INLINE void parse_l4(const void *l4, const void *end, int room, struct packet *packet)
{
	const struct parse_ports *ports = l4;

	packet->problem = LBD_OUTCOME_DROP_BAD_LENGTH;
	if (l4 + UDP_HEADER > end || room < UDP_HEADER)
		return;
	packet->client_port = ports->source;
	packet->vip_port = ports->dest;
	if (packet->protocol == IPPROTO_UDP) {
		__u16 length = bpf_ntohs(ports->udp_length);

		/* The first of several fragments announces the whole. */
		if (length >= UDP_HEADER && (length <= room || packet->more))
			packet->problem = PACKET_GO_ON;
		return;
	}
	if (l4 + TCP_HEADER > end || room < TCP_HEADER)
		return;
	packet->problem = PACKET_GO_ON;
	parse_tcp(ports, room, packet);
}

/* A header with options, or one that can't be. */
LBD_INLINE void parse_odd4(const struct iphdr *ip, const void *end, struct packet *packet)
{
	const int header = ip->ihl * 4;

	packet->l4 = packet->l3 + header;
	if (ip->version != 4 || ip->ihl < 5) {
		packet->problem = LBD_OUTCOME_DROP_BAD_HEADER;
		return;
	}
	parse_l4((const void *)ip + header, end, (int)packet->length - header, packet);
}

#define IPV4_PLAIN 0x45 /* version 4, a header of five words */

/* Returns PACKET_GO_ON once the destination is known, else an outcome. */
LBD_INLINE int parse_ipv4(const void *data, const void *end, struct packet *packet)
{
	const struct iphdr *ip = data + packet->l3;

	if ((const void *)(ip + 1) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->protocol = ip->protocol;
	packet->client = lbd_addr_from4(ip->saddr);
	packet->vip = lbd_addr_from4(ip->daddr);
	packet->length = bpf_ntohs(ip->tot_len);
	packet->traffic = ip->tos;
	packet->l4 = packet->l3 + sizeof(*ip);
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	packet->more = ip->frag_off & bpf_htons(IPV4_MORE);
	packet->fragment = ip->frag_off & bpf_htons(IPV4_OFFSET_MASK);
	if (packet->length > end - (const void *)ip)
		packet->problem = LBD_OUTCOME_DROP_BAD_LENGTH;
	else if (packet->fragment)
		return PACKET_GO_ON;
	else if (*(const __u8 *)ip == IPV4_PLAIN)
		parse_l4(ip + 1, end, (int)packet->length - (int)sizeof(*ip), packet);
	else
		parse_odd4(ip, end, packet);
	return PACKET_GO_ON;
}

/* Through the extension headers. Returns what type of header comes behind, in *ret_offset. */
LBD_INLINE __u8 parse_extensions(struct xdp_md *ctx, __u8 next, struct packet *packet,
				 __u32 *ret_offset)
{
	const int packed = extensions_walk(ctx, packet->l3, packet->length, next);
	const struct extensions walk = extensions_unpack(packed);

	if (packed < 0) {
		packet->problem = -packed;
		return next;
	}
	packet->fragment = walk.fragment;
	packet->more = walk.more;
	*ret_offset = walk.offset;
	return walk.next;
}

/* From the fixed header to TCP or UDP. */
LBD_INLINE int parse_next6(struct xdp_md *ctx, const struct ipv6hdr *ip, const void *end,
			   struct packet *packet)
{
	__u32 offset = sizeof(*ip);
	__u8 next = ip->nexthdr;

	if (next != IPPROTO_TCP && next != IPPROTO_UDP && config_has(LBD_FEATURE_EXTENSIONS))
		next = parse_extensions(ctx, next, packet, &offset);
	packet->protocol = next;
	packet->l4 = packet->l3 + offset;
	if (packet->problem != PACKET_GO_ON || packet->fragment)
		return PACKET_GO_ON;
	if (next != IPPROTO_TCP && next != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	parse_l4((const void *)ip + offset, end, (int)packet->length - (int)offset, packet);
	return PACKET_GO_ON;
}

/* Returns PACKET_GO_ON once the destination is known, else an outcome. */
LBD_INLINE int parse_ipv6(struct xdp_md *ctx, const void *data, const void *end,
			  struct packet *packet)
{
	const struct ipv6hdr *ip = data + packet->l3;

	if ((const void *)(ip + 1) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->client = packet_addr6(&ip->saddr);
	packet->vip = packet_addr6(&ip->daddr);
	packet->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	packet->traffic = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	/* IPv4 addresses don't travel in IPv6 (RFC 4291, 2.5.5.2): not an IPv4 service. */
	if (lbd_addr_is4(&packet->vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	if (ip->version != 6)
		packet->problem = LBD_OUTCOME_DROP_BAD_HEADER;
	else if (packet->length > end - (const void *)ip)
		packet->problem = LBD_OUTCOME_DROP_BAD_LENGTH;
	if (packet->problem != PACKET_GO_ON)
		return PACKET_GO_ON;
	return parse_next6(ctx, ip, end, packet);
}

#endif
