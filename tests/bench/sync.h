/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State sync between two nodes: flows a second, lag, full resync, bytes, and what it costs. */
#ifndef BENCH_SYNC_H
#define BENCH_SYNC_H

#include "base/error.h"
#include "tests/bench/report.h"

/* Measure what has a name that contains @only. @build holds the BPF objects. */
int sync_bench(struct report *report, const char *build, const char *only, struct error *err);

#endif
