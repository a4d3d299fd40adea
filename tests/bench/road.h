/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The road that packets of the end-to-end benchmark take: the namespaces of
 * tests/bench/topology, the generator at one end, the sink at the other.
 */
#ifndef BENCH_ROAD_H
#define BENCH_ROAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "tests/bench/hosts.h"

struct road;

/* What a stretch of traffic came to. */
struct road_traffic {
	uint64_t sent;
	uint64_t received;
	double ns; /* CPU time a packet received: generator, balancer and sink */
};

/* Build the namespaces and load the ends' programs. *ret is the caller's. */
int road_open(const char *build, struct road **ret, struct error *err);

/* Tear everything down. Accepts NULL. */
void road_close(struct road *road);

/* Where it leads through. */
const struct hosts *road_hosts(const struct road *road);

/* Count at the backend's XDP hook, or at tc for packets that have been through the stack. */
int road_sink(struct road *road, bool xdp, struct error *err);

/* Put the bare redirect on the balancer's way in, or take it off. */
int road_redirect(struct road *road, bool on, struct error *err);

/* Send @packets of @flows flows; of ROAD_EACH_NEW, each is of a flow that never was. */
#define ROAD_EACH_NEW 0
int road_send(struct road *road, uint32_t flows, uint32_t packets, struct road_traffic *ret,
	      struct error *err);

#endif
