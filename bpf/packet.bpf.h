/* SPDX-License-Identifier: GPL-2.0-only */
/* What the steps of the pipeline know of a packet. */
#ifndef PACKET_BPF_H
#define PACKET_BPF_H

#include <linux/in.h>

#include "lbd/maps.h"

struct packet {
	struct lbd_addr client; /* source */
	struct lbd_addr vip;	/* destination */
	__be16 client_port;
	__be16 vip_port;
	__u32 l3;	  /* offset of the IP header: 14, 18 or 22 */
	__u32 l4;	  /* offset of the TCP or UDP header */
	__u32 length;	  /* of the IP packet, header included */
	int problem;	  /* why it must not reach a service; PACKET_GO_ON: nothing is wrong */
	__u8 protocol;	  /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 traffic;	  /* IPv4 TOS, IPv6 traffic class: DSCP and ECN */
	_Bool syn;	  /* TCP: opens a connection */
	__u8 fin;	  /* TCP: its FIN and RST bits, closes one */
	_Bool fragment;	  /* not the first: shows no ports */
	_Bool more;	  /* more fragments follow */
	_Bool ours;	  /* the frame is for this node, not for another one */
	__u32 half;	  /* of the service tables, for all of this packet */
	__u16 service;	  /* id; 0: to a NAT address */
	_Bool translated; /* the service forwards by NAT */
	__u8 nat;	  /* attempt at which the flow goes out, 0: none yet (lbd/nat.h) */
	__u16 backend;	  /* index; of a later fragment only: its first's */
};

/*
 * Words of the frame. Its headers lie at odd offsets, and clang would read and
 * write them byte by byte; the machines that lbd runs on need no alignment.
 */
LBD_INLINE __u16 packet_word16(const void *at)
{
	return *(const __u16 *)at;
}

LBD_INLINE __u32 packet_word32(const void *at)
{
	return *(const __u32 *)at;
}

LBD_INLINE __u64 packet_word64(const void *at)
{
	return *(const __u64 *)at;
}

LBD_INLINE struct lbd_addr packet_addr6(const void *at)
{
	struct lbd_addr addr = { .halves = { packet_word64(at), packet_word64(at + 8) } };

	return addr;
}

LBD_INLINE void packet_put_addr6(void *at, const struct lbd_addr *addr)
{
	__u64 *halves = at;

	halves[0] = addr->halves[0];
	halves[1] = addr->halves[1];
}

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* A step's answer: go on, or leave with this outcome. */
#define PACKET_GO_ON (-1)

#endif
