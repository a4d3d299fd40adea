/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a frame shows: Ethernet with VLAN tags (IEEE 802.1Q), IPv4 (RFC 791),
 * IPv6 (RFC 8200), TCP (RFC 9293), UDP (RFC 768), read byte by byte.
 */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include <stdbool.h>

#include "tests/model/frame.h"

#define VIEW_FIN 0x01
#define VIEW_SYN 0x02
#define VIEW_RST 0x04
#define VIEW_ACK 0x10

/* Nothing is decided yet. */
#define VIEW_WHOLE (-1)

/* What a fragment says of itself. */
struct view_piece {
	uint32_t id, offset, size; /* of its data, in the datagram's */
	uint8_t next;		   /* what the datagram carries, by this fragment */
};

struct view {
	int leaves;  /* the outcome that the headers alone decide, or VIEW_WHOLE */
	int problem; /* why no service may get it, or VIEW_WHOLE */
	bool v6;
	bool fragment; /* a later one: shows no ports */
	bool more;     /* fragments follow */
	uint8_t protocol;
	uint8_t traffic;		/* TOS, or traffic class */
	uint8_t flags;			/* of TCP */
	uint16_t client_port, vip_port; /* host order */
	struct lbd_addr client, vip;
	bool error;		 /* an ICMP error: of the flow that it quotes ... */
	struct lbd_addr sender;	 /* ... and this is whose error it is */
	uint32_t l3;		 /* where the IP header begins */
	uint32_t l4;		 /* where what it carries does */
	uint32_t quoted_l4;	 /* of an error: where what the quoted packet carries begins */
	struct view_piece piece; /* of a datagram in fragments */
	uint32_t length;	 /* of the IP packet, by its header */
};

/* @v4, @v6: is there any service of that family? The others aren't looked at. */
void view_read(const struct frame *frame, bool v4, bool v6, struct view *ret);

/* Through IPv6 extension headers, from the first one on. */
struct view_walk {
	uint32_t at;  /* in the packet */
	uint8_t next; /* what stands there */
	bool cut;     /* a quote: a header may run past its end */
	bool fragment, more;
	uint32_t header; /* where the first fragment header stands; 0: there is none */
};

/* @size: of the packet. VIEW_WHOLE, or what is wrong with one of them. */
int view_walk(const uint8_t *packet, uint32_t size, struct view_walk *walk);

/* Is the source one that no client can have (RFC 6890)? */
bool view_martian(const struct view *view);

#endif
