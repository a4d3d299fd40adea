/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answers of lbctl trace, packet by packet as they come: a line each and a
 * summary for people, or one JSON document with a line for each packet.
 */
#ifndef LBCTL_TRACE_SHOW_H
#define LBCTL_TRACE_SHOW_H

#include <jansson.h>

#include "lbctl/tracer.h"

struct trace_show {
	bool json;
	const char *capture; /* path */
	const char *written; /* path, or NULL */
	int64_t first_ns;    /* time of the first packet */
	uint64_t packets, run, sent;
	json_t *actions, *outcomes; /* how many of each */
};

/* False without memory. */
bool trace_show_start(struct trace_show *show, const struct invocation *invocation);

/* @answer is a daemon's or a packet path's; NULL: the packet could not be run. */
void trace_show_packet(struct trace_show *show, const struct tracer_packet *packet, json_t *answer);

/* The summary. @complete: the whole capture was read and run. */
void trace_show_finish(struct trace_show *show, bool complete);

/* Free what it holds. Accepts one that was never started, if zeroed. */
void trace_show_end(struct trace_show *show);

#endif
