/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loss probe: numbered datagrams at a steady rate over many flows, each
 * echoed by its server. A packet belongs to the window in which it was sent,
 * so an answer may come a little after the mark and still counts.
 */
#ifndef TALK_UDP_H
#define TALK_UDP_H

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>

#include "base/addr.h"

struct udp_options {
	const struct addr_endpoint *targets;
	uint32_t targets_count;
	uint32_t flows; /* per target: so many source ports */
	uint32_t rate;	/* packets per second over all flows */
	uint32_t size;	/* of a datagram, bytes */
};

struct udp;

/* @options must outlive it. Returns 0 or a negative errno. */
int udp_new(struct event_base *base, const struct udp_options *options, struct udp **ret);

/* Send what is due; to be called about every millisecond. */
void udp_tick(struct udp *udp, uint64_t now_ns);

/* Close the window; the next packets belong to a new one. Returns the closed one's number. */
uint32_t udp_mark(struct udp *udp);

/* The figures of a window. The caller owns the result. */
json_t *udp_report(const struct udp *udp, uint32_t window);

#endif
