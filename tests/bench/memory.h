/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a cache miss costs here. A packet of one flow among many waits for its
 * bucket, a line that nothing could ask for before the packet was there, so the
 * difference between packet.*.hit.1 and .hit.1m is about one such load.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include "base/error.h"
#include "tests/bench/report.h"

/* memory.load.SIZE: ns a load that depends on the one before, over lines of so much memory. */
int memory_bench(struct report *report, const char *only, struct error *err);

#endif
