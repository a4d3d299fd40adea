/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams in fragments (RFC 791; RFC 8200, 4.5): the first shows whose they
 * are, and the others go where it went.
 */
#ifndef MODEL_PIECES_H
#define MODEL_PIECES_H

#include "tests/model/flows.h"
#include "tests/model/view.h"

#define PIECES_MAX 4096

/* A datagram whose first fragment was sent on. */
struct datagram {
	struct lbd_addr client, vip;
	uint32_t id;
	uint8_t protocol; /* IPv4 only: no part of an IPv6 datagram's identity */
	struct flow_key key;
	uint16_t backend;
	uint8_t attempt; /* at which the first went out by NAT */
	bool answer;	 /* to a NAT address: of no flow, but from and to the ports of @key */
	uint32_t size;	 /* of what came in the first */
	uint8_t flow_protocol;
	int64_t seen; /* seconds */
};

struct pieces {
	struct datagram datagrams[PIECES_MAX];
	uint32_t count;
	int64_t now;	 /* seconds, as the reference has it ... */
	int64_t timeout; /* ... and how long a first is remembered */
};

/* @view is a first fragment of the flow @key, and goes to @backend, by NAT at @attempt. */
void pieces_remember(struct pieces *pieces, const struct view *view, const struct flow_key *key,
		     uint16_t backend, uint8_t attempt);

/* One of a backend's answer to a NAT address. */
void pieces_remember_answer(struct pieces *pieces, const struct view *view);

/* The datagram that @view is a later fragment of, NULL if its first wasn't seen. */
const struct datagram *pieces_find(const struct pieces *pieces, const struct view *view);

#endif
