/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time of everything that carries a load, when all of it has one CPU: this
 * thread, the processes that take part, and the CPU's ksoftirqd, which takes
 * over when softirqs last too long. Softirqs that run in between are charged to
 * whom they interrupt; as packets are handed over by those who send them, that
 * is one of these. (Not so on a kernel with CONFIG_IRQ_TIME_ACCOUNTING.)
 */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <sys/types.h>

#include "base/error.h"

#define CPU_HELPERS_MAX 8

struct cpu_meter {
	pid_t ksoftirqd;
	pid_t helpers[CPU_HELPERS_MAX]; /* processes of one thread */
	unsigned int helpers_count;
};

/* The thread must stay on the CPU that it is on now. */
int cpu_open(struct cpu_meter *meter, struct error *err);

/* Count @pid as well. */
void cpu_add(struct cpu_meter *meter, pid_t pid);

/* Nanoseconds so far. */
double cpu_ns(const struct cpu_meter *meter);

/* CPU milliseconds of a loop that only computes: shows a neighbour on the same core. */
double cpu_reference(void);

#endif
