/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that take part in a benchmark. They never outlive it. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <sys/types.h>

/* As fork(), but a negative errno on failure; the child is killed when this thread ends. */
pid_t child_fork(void);

/* Kill it and wait for its end. Accepts 0. */
void child_end(pid_t pid);

#endif
