/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lbd as the balancer of tests/bench/topology, attached as its daemon does it. */
#ifndef BENCH_BALANCER_H
#define BENCH_BALANCER_H

#include "base/error.h"
#include "tests/bench/hosts.h"
#include "tests/bench/scene.h"

struct balancer {
	const struct hosts *hosts;
	const char *build; /* holds the BPF objects */
	struct lab lab;
};

/* To be closed whatever comes of it, when it is detached. Closing accepts a zeroed one. */
int balancer_open(struct balancer *balancer, const struct hosts *hosts, const char *build,
		  const struct scene *scene, uint32_t slots, struct error *err);
void balancer_close(struct balancer *balancer);

/* Stand on the way in, or no longer. */
int balancer_attach(struct balancer *balancer, struct error *err);
int balancer_detach(struct balancer *balancer, struct error *err);

#endif
