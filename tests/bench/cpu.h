/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time. Softirqs are charged to the thread that they interrupt. Packets are
 * handed over by those who send them, so with everything on one CPU that is who
 * takes part, or the CPU's ksoftirqd, which takes over when softirqs last too
 * long. (Not so on a kernel with CONFIG_IRQ_TIME_ACCOUNTING.)
 */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <sys/types.h>

#include "base/error.h"

struct cpu_meter {
	pid_t ksoftirqd;
};

/* The thread must stay on the CPU that it is on now. */
int cpu_open(struct cpu_meter *meter, struct error *err);

/* Nanoseconds so far, of this thread and ksoftirqd. */
double cpu_ns(const struct cpu_meter *meter);

/* Nanoseconds so far of @pid, a process of one thread; 0 if there is none. */
double cpu_ns_of(pid_t pid);

/* CPU milliseconds of a loop that only computes: shows a neighbour on the same core. */
double cpu_reference(void);

#endif
