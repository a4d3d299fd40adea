/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame to struct packet: Ethernet, IPv4 (RFC 791) or IPv6 (RFC 8200), then the
 * ports and flags of TCP (RFC 9293) or UDP (RFC 768). Every read is checked
 * against the frame's end; nothing is written.
 */
#ifndef PARSE_BPF_H
#define PARSE_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/packet.bpf.h"

#define IPV4_OFFSET_MASK 0x1fff /* of frag_off: not the first fragment */
#define IPV6_FRAGMENT 44	/* next header */

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
	__be32 sequence;
	__be32 acknowledgement;
	__u8 offset;
	__u8 flags;
};

#define UDP_HEADER 8
#define TCP_HEADER 20

/*
 * @room: what the IP header says is left for this one. The frame's end alone
 * won't do: padding behind a short packet is no header.
 */
LBD_INLINE int parse_l4(const void *l4, const void *end, int room, struct packet *packet)
{
	const struct parse_ports *ports = l4;

	if (l4 + UDP_HEADER > end || room < UDP_HEADER)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->client_port = ports->source;
	packet->vip_port = ports->dest;
	if (packet->protocol == IPPROTO_UDP)
		return PACKET_GO_ON;
	if (l4 + TCP_HEADER > end || room < TCP_HEADER)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->syn = (ports->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	packet->fin = ports->flags & (TCP_FIN | TCP_RST);
	return PACKET_GO_ON;
}

LBD_INLINE int parse_ipv4(const struct ethhdr *eth, const void *end, struct packet *packet)
{
	const struct iphdr *ip = (const void *)(eth + 1);

	if ((const void *)(ip + 1) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->protocol = ip->protocol;
	packet->client = lbd_addr_from4(ip->saddr);
	packet->vip = lbd_addr_from4(ip->daddr);
	packet->length = bpf_ntohs(ip->tot_len);
	packet->traffic = ip->tos;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (ip->ihl < 5 || packet->length > end - (const void *)ip)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->fragment = ip->frag_off & bpf_htons(IPV4_OFFSET_MASK);
	if (packet->fragment)
		return PACKET_GO_ON;
	if (ip->ihl == 5)
		return parse_l4(ip + 1, end, (int)packet->length - (int)sizeof(*ip), packet);
	return parse_l4((const void *)ip + ip->ihl * 4, end, (int)packet->length - ip->ihl * 4,
			packet);
}

LBD_INLINE int parse_ipv6(const struct ethhdr *eth, const void *end, struct packet *packet)
{
	const struct ipv6hdr *ip = (const void *)(eth + 1);

	if ((const void *)(ip + 1) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	packet->protocol = ip->nexthdr;
	packet->client = packet_addr6(&ip->saddr);
	packet->vip = packet_addr6(&ip->daddr);
	packet->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	packet->traffic = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet->fragment = ip->nexthdr == IPV6_FRAGMENT;
	if (packet->fragment)
		return PACKET_GO_ON;
	if (ip->nexthdr != IPPROTO_TCP && ip->nexthdr != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (packet->length > end - (const void *)ip)
		return LBD_OUTCOME_PASS_TRUNCATED;
	/* IPv4 addresses don't travel in IPv6 (RFC 4291, 2.5.5.2): not an IPv4 service. */
	if (lbd_addr_is4(&packet->vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	return parse_l4(ip + 1, end, bpf_ntohs(ip->payload_len), packet);
}

#endif
