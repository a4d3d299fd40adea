/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling a client that its connection is over, in the backend's place: an RST
 * for TCP, port unreachable for UDP. The RST is what a host without the
 * connection sends (RFC 9293, 3.10.7.1), so that the client believes it
 * (RFC 5961 asks for exactly the sequence number that it expects):
 *
 *   segment with ACK      seq = its ack                      RST
 *   segment without       seq = 0, ack = its seq + length    RST, ACK
 *
 * Headers are written where those of the segment stand, and the rest is cut
 * off. Options and extension headers aren't answered with such.
 */
#ifndef RESET_BPF_H
#define RESET_BPF_H

#include <linux/tcp.h>

#include "bpf/answer.bpf.h"

#define RESET_L4_MAX 255
#define RESET_UNREACHABLE6 1 /* type of ICMPv6; of ICMP see answer.bpf.h */
#define RESET_PORT4 3	     /* code "port unreachable" */
#define RESET_PORT6 4

/* What an RST needs of the segment that it answers. */
struct reset_segment {
	struct lbd_addr client;
	struct lbd_addr vip;
	__be16 client_port;
	__be16 vip_port;
	__u32 sequence;
	__u32 acknowledgement;
	__u32 space; /* of the sequence numbers that it takes up */
	__u8 flags;
};

/* @room: bytes of the packet behind the IP headers. */
LBD_INLINE int reset_read_tcp(const struct tcphdr *tcp, __u32 room, struct reset_segment *ret)
{
	const __u32 header = tcp->doff * 4;

	if (header < sizeof(*tcp) || header > room)
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	ret->client_port = tcp->source;
	ret->vip_port = tcp->dest;
	ret->sequence = bpf_ntohl(packet_word32(&tcp->seq));
	ret->acknowledgement = packet_word32(&tcp->ack_seq);
	ret->flags = ((const __u8 *)tcp)[13];
	ret->space = room - header + !!(ret->flags & TCP_SYN) + !!(ret->flags & TCP_FIN);
	return PACKET_GO_ON;
}

LBD_INLINE int reset_read(struct xdp_md *ctx, const struct packet *packet,
			  struct reset_segment *ret, _Bool v6)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const void *ip = data + packet->l3;
	const struct tcphdr *tcp = data + packet->l4;
	const __u32 headers = packet->l4 - packet->l3;

	if (ip + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) > end ||
	    (const void *)(tcp + 1) > end || packet->length < headers)
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	if (!(v6 ? answer_is_due6(ip) : answer_is_due4(ip)))
		return LBD_OUTCOME_DROP_NO_BACKEND;
	ret->client = packet->client;
	ret->vip = packet->vip;
	return reset_read_tcp(tcp, packet->length - headers, ret);
}

LBD_INLINE void reset_put_ipv4(struct iphdr *ip, const struct reset_segment *segment)
{
	struct iphdr answer = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(*ip) + sizeof(struct tcphdr)),
		.frag_off = bpf_htons(ANSWER_DF),
		.ttl = ANSWER_TTL,
		.protocol = IPPROTO_TCP,
		.saddr = segment->vip.words[3],
		.daddr = segment->client.words[3],
	};

	answer.check = csum_ipv4(&answer);
	*ip = answer;
}

LBD_INLINE void reset_put_ipv6(struct ipv6hdr *ip, const struct reset_segment *segment)
{
	*(__be32 *)ip = bpf_htonl(6U << 28);
	ip->payload_len = bpf_htons(sizeof(struct tcphdr));
	ip->nexthdr = IPPROTO_TCP;
	ip->hop_limit = ANSWER_TTL;
	packet_put_addr6(&ip->saddr, &segment->vip);
	packet_put_addr6(&ip->daddr, &segment->client);
}

/* In whole words: port pair, seq, ack, offset with flags, checksum. */
LBD_INLINE void reset_put_tcp(__be32 *words, const struct reset_segment *segment, __u64 pseudo)
{
	const _Bool acks = segment->flags & TCP_ACK;

	words[0] = (__u32)segment->vip_port | (__u32)segment->client_port << 16;
	words[1] = acks ? segment->acknowledgement : 0;
	words[2] = acks ? 0 : bpf_htonl(segment->sequence + segment->space);
	words[3] = bpf_htonl(5U << 28 | (TCP_RST | (acks ? 0 : TCP_ACK)) << 16);
	words[4] = 0;
#pragma unroll
	for (int i = 0; i < 4; i++)
		pseudo += words[i];
	words[4] = (__u16)~csum_fold(pseudo);
}

/* Sum of the pseudo-header; IPv4 addresses add up like the words of IPv6 ones. */
LBD_INLINE __u64 reset_pseudo(const struct reset_segment *segment, _Bool v6)
{
	__u64 sum = (__u64)bpf_htonl(sizeof(struct tcphdr)) + bpf_htonl(IPPROTO_TCP);

#pragma unroll
	for (int i = 0; i < 4; i++)
		if (v6 || i == 3)
			sum += (__u64)segment->vip.words[i] + segment->client.words[i];
	return sum;
}

LBD_INLINE int reset_make(struct xdp_md *ctx, __u32 l3, const struct reset_segment *segment,
			  _Bool v6)
{
	const __u32 header = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	void *data, *ip, *end;

	if (answer_cut(ctx, l3 + header + sizeof(struct tcphdr)) != PACKET_GO_ON)
		return LBD_OUTCOME_DROP_HEADROOM;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	ip = data + l3;
	if (data + sizeof(struct ethhdr) > end || ip + header + sizeof(struct tcphdr) > end)
		return LBD_OUTCOME_DROP_HEADROOM;
	answer_turn(data);
	if (v6)
		reset_put_ipv6(ip, segment);
	else
		reset_put_ipv4(ip, segment);
	reset_put_tcp(ip + header, segment, reset_pseudo(segment, v6));
	return LBD_OUTCOME_ANSWER_RESET;
}

/* Answer the TCP segment with an RST. Returns the outcome. */
LBD_INLINE int reset_tcp(struct xdp_md *ctx, const struct packet *packet, _Bool v6)
{
	struct reset_segment segment = {};
	int problem;

	if (packet->l4 > RESET_L4_MAX)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	problem = reset_read(ctx, packet, &segment, v6);
	if (problem != PACKET_GO_ON)
		return problem;
	if (segment.flags & TCP_RST)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	if (!answer_may())
		return LBD_OUTCOME_DROP_ANSWER_LIMIT;
	return reset_make(ctx, packet->l3, &segment, v6);
}

LBD_INLINE int reset_udp(struct xdp_md *ctx, __u32 l3, _Bool v6)
{
	int problem = v6 ? answer_error6(ctx, l3, RESET_UNREACHABLE6, RESET_PORT6, 0)
			 : answer_error4(ctx, l3, ANSWER_UNREACHABLE4, RESET_PORT4, 0);

	if (problem == PACKET_GO_ON)
		return LBD_OUTCOME_ANSWER_UNREACHABLE;
	return problem == ANSWER_NONE ? LBD_OUTCOME_DROP_NO_BACKEND : problem;
}

/* Does @outcome say that the client is to be told? */
LBD_INLINE _Bool reset_is_due(int outcome)
{
	return outcome == LBD_OUTCOME_ANSWER_RESET || outcome == LBD_OUTCOME_ANSWER_UNREACHABLE;
}

/* Make the frame the answer. Returns the outcome; if reset_is_due(), send it with XDP_TX. */
LBD_INLINE int reset_answer(struct xdp_md *ctx, const struct packet *packet, _Bool v6)
{
	if (packet->problem != PACKET_GO_ON)
		return packet->problem;
	return packet->protocol == IPPROTO_TCP ? reset_tcp(ctx, packet, v6)
					       : reset_udp(ctx, packet->l3, v6);
}

#endif
