/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many TCP connections that each ask a numbered question, wait for the echo,
 * and ask the next one an interval later.
 *
 *   CONNECTING -- first echo --> CONFIRMED -- any of TCP_BREAKS --> BROKEN
 *        |
 *        +-- any of TCP_BREAKS --> FAILED
 */
#ifndef TALK_TCP_H
#define TALK_TCP_H

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>

#include "base/addr.h"

/* X(constant, name): how a connection can end that should not have ended. */
#define TCP_BREAKS(X)           \
	X(RESET, "reset")       \
	X(CLOSED, "closed")     \
	X(TIMEOUT, "timeout")   \
	X(SEQUENCE, "sequence") \
	X(BACKEND, "backend")

enum tcp_break {
#define X(constant, name) TCP_BREAK_##constant,
	TCP_BREAKS(X)
#undef X
		TCP_BREAK_COUNT,
};

struct tcp_options {
	const struct addr_endpoint *targets; /* connections are spread over them in turn */
	uint32_t targets_count;
	uint32_t connections;
	uint32_t pace;	      /* connections opened per second */
	uint32_t interval_ms; /* between two questions of one connection */
	uint32_t timeout_ms;  /* without an echo: broken */
	uint32_t size;	      /* of a question, bytes */
};

struct tcp;

/* @options must outlive it. NULL without memory. */
struct tcp *tcp_new(struct event_base *base, const struct tcp_options *options);

/* Open and ask what is due; to be called about every millisecond. */
void tcp_tick(struct tcp *tcp, uint64_t now_ns);

/* The figures since the last call; a new count begins. The caller owns the result. */
json_t *tcp_report(struct tcp *tcp);

/* Live connections per server name, now. */
json_t *tcp_servers(const struct tcp *tcp);

#endif
