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
	__u32 length;	/* of the IP packet, header included */
	__u8 protocol;	/* IPPROTO_TCP or IPPROTO_UDP */
	__u8 traffic;	/* IPv4 TOS, IPv6 traffic class: DSCP and ECN */
	_Bool syn;	/* TCP: opens a connection */
	_Bool fin;	/* TCP: FIN or RST, closes one */
	_Bool fragment; /* shows no ports */
	__u32 half;	/* of the service tables, for all of this packet */
	__u16 service;	/* id */
};

/* A step's answer: go on, or leave with this outcome. */
#define PACKET_GO_ON (-1)

#endif
