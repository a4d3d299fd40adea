/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load of real sockets between the client and the backend of
 * tests/bench/topology, the same whatever is between them. An exchange is
 *
 *   TCP: a connection with one request and one answer, which the server closes
 *   UDP: one datagram and its answer; all are of LOAD_BATCH flows that stay
 *
 * LOAD_BATCH of them are under way at once, so that a proxy has several to do
 * each time it wakes up.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "tests/bench/hosts.h"

#define LOAD_BATCH 64

enum load_protocol { LOAD_TCP, LOAD_UDP, LOAD_PROTOCOLS };

struct load {
	const struct hosts *hosts;
	pid_t servers[LOAD_PROTOCOLS];
};

/* Start the servers, on port 80 of every address of the backend. To be closed in any case. */
int load_open(struct load *load, const struct hosts *hosts, struct error *err);

/* End them. Accepts a zeroed load. */
void load_close(struct load *load);

/* Have @exchanges, a multiple of LOAD_BATCH, with the VIP. An error if one stays unanswered. */
int load_run(const struct load *load, enum load_protocol protocol, uint32_t exchanges,
	     struct error *err);

#endif
