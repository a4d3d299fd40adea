/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is asked what becomes of packets: a packet path of lbctl's own, or the
 * running daemon's. Both take packets by the batch and answer alike.
 */
#ifndef LBCTL_TRACER_H
#define LBCTL_TRACER_H

#include <jansson.h>
#include <stdint.h>

#include "lbctl/command.h"

/* As many bytes as fit a request of API_BODY_MAX in hexadecimal digits. */
#define TRACER_BATCH_BYTES 28000

struct tracer_packet {
	uint64_t number;
	int64_t time_ns;
	uint32_t length; /* on the wire */
	uint32_t size;	 /* of the frame that is run; 0: it can't be */
	const uint8_t *frame;
	char note[128]; /* what to know of it, or empty */
};

struct tracer_batch {
	uint32_t count, bytes;
	struct tracer_packet packets[API_TRACE_PACKETS_MAX];
	uint8_t frames[TRACER_BATCH_BYTES];
};

struct tracer;

struct tracer_kind {
	/*
	 * Ask what becomes of the batch, in order: *ret is a list of an answer for
	 * each that has a size. LBCTL_OK, or an exit code after the failure was reported.
	 */
	int (*run)(struct tracer *tracer, const struct tracer_batch *batch, json_t **ret);
	void (*close)(struct tracer *tracer);
};

struct tracer {
	const struct tracer_kind *kind;
	const struct invocation *invocation;
};

/* Each leaves *ret to be closed by its kind, or returns an exit code after reporting. */
int tracer_open_offline(const struct invocation *invocation, struct tracer **ret);
int tracer_open_live(const struct invocation *invocation, struct tracer **ret);

#endif
