/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user space half of wrap.bpf.c: run a program many times, timed. */
#ifndef BENCH_WRAPPER_H
#define BENCH_WRAPPER_H

#include <stdint.h>

#include "base/error.h"
#include "tests/bench/wrap.h"

struct wrapper;

struct wrapper_run {
	enum wrap_target target;
	uint32_t packets;
	uint8_t out[2 * WRAP_FRAME_MAX];
	uint32_t out_size;
	uint64_t last_place; /* of the last packet, for flow_at() */
	double ns;	     /* CPU time a packet */
};

/* The loopback device: the caller has a network namespace to itself (room.h). */
#define WRAPPER_STANDS_ON 1

/*
 * Load @object (wrap.bpf.o) around @programs: WRAP_PROGRAM and WRAP_OVER, or
 * -1 for none. @frame is what they meet, but for the flow. One at a time: it
 * takes the loopback device. *ret is the caller's, freed with wrapper_close.
 */
int wrapper_open(const char *object, const struct wrap_config *config, const uint8_t *frame,
		 const int programs[2], struct wrapper **ret, struct error *err);

/* Accepts NULL. */
void wrapper_close(struct wrapper *wrapper);

/* The next packet is the one at @place of the sequence. */
void wrapper_seek(struct wrapper *wrapper, uint64_t place);

/* What the answer at @place of the sequence is made of. 0 or a negative errno. */
int wrapper_set_way(struct wrapper *wrapper, uint32_t place, const struct wrap_way *way);

/*
 * Send @run->packets packets to @run->target; the rest of @run is the result.
 * CPU time, not time of day: others use this machine.
 */
int wrapper_run(struct wrapper *wrapper, struct wrapper_run *run, struct error *err);

#endif
