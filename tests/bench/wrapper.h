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

/*
 * Load @object (wrap.bpf.o) around @prog_fd. @frame is what the program meets,
 * but for the flow. *ret is the caller's, freed with wrapper_close.
 */
int wrapper_open(const char *object, const struct wrap_config *config, const uint8_t *frame,
		 int prog_fd, struct wrapper **ret, struct error *err);

/* Accepts NULL. */
void wrapper_close(struct wrapper *wrapper);

/*
 * Send @run->packets packets to @run->target; the rest of @run is the result.
 * CPU time, not time of day: others use this machine, and the system call
 * itself sleeps for tens of milliseconds.
 */
int wrapper_run(struct wrapper *wrapper, struct wrapper_run *run, struct error *err);

#endif
