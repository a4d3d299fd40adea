/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ping of a VIP, answered: the request goes back as the reply, its addresses
 * exchanged, which leaves every checksum as it was but for type and TTL.
 */
#ifndef ECHO_BPF_H
#define ECHO_BPF_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/answer.bpf.h"
#include "bpf/csum.bpf.h"
#include "bpf/packet.bpf.h"

#define ICMP4_ECHO_REPLY 0
#define ICMP4_ECHO 8
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129

LBD_INLINE void echo_turn_ipv4(struct iphdr *ip)
{
	__u16 *ttl = (void *)&ip->ttl; /* a word with the protocol */
	const __u16 was = *ttl;
	const __be32 source = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = source;
	ip->ttl = ANSWER_TTL;
	ip->check = csum_replace(ip->check, was, *ttl);
}

LBD_INLINE void echo_turn_ipv6(struct ipv6hdr *ip)
{
	const struct lbd_addr source = packet_addr6(&ip->saddr), dest = packet_addr6(&ip->daddr);

	packet_put_addr6(&ip->saddr, &dest);
	packet_put_addr6(&ip->daddr, &source);
	ip->hop_limit = ANSWER_TTL;
}

LBD_INLINE void echo_turn_icmp(struct answer_icmp *icmp, __u8 reply)
{
	__u16 *type = (void *)icmp; /* a word with the code */
	const __u16 was = *type;

	icmp->type = reply;
	icmp->checksum = csum_replace(icmp->checksum, was, *type);
}

/*
 * Make the frame its own answer, to be sent with XDP_TX. Options and extension
 * headers may ask for more than a mirror does: those the kernel answers.
 */
LBD_INLINE int echo_answer(struct xdp_md *ctx, const struct packet *packet, _Bool v6)
{
	const __u32 header = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *ip = (void *)eth + packet->l3;
	struct answer_icmp *icmp = ip + header;

	if (packet->l4 != packet->l3 + header || (void *)(eth + 1) > end ||
	    (void *)(icmp + 1) > end || eth->h_dest[0] & 1)
		return LBD_OUTCOME_PASS_NOT_L4;
	answer_turn(eth);
	if (v6)
		echo_turn_ipv6(ip);
	else
		echo_turn_ipv4(ip);
	echo_turn_icmp(icmp, v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY);
	return LBD_OUTCOME_ANSWER_ECHO;
}

#endif
