/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads of the kernel that receive for the hosts of tests/bench/topology, one
 * for each end of a link. Without them a packet is received within the sender's
 * system call, one at a time, at the sender's expense. With them a burst is
 * received as one, as network cards deliver it, and each host pays for itself.
 */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include <sys/types.h>

#include "base/error.h"

#define THREADS_MAX 64

struct threads {
	pid_t pid[THREADS_MAX];
	unsigned int count;
};

/*
 * Start them all on this CPU, scheduled as a batch. They go with the hosts.
 * @ret: those of the balancer.
 */
int threads_start(struct threads *ret, struct error *err);

#endif
