/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nanoseconds that a packet costs, over an empty XDP program, by test-run. */
#ifndef BENCH_PACKET_H
#define BENCH_PACKET_H

#include <stdbool.h>

#include "base/error.h"
#include "tests/bench/report.h"

/* Measure every case whose name contains @only. @build holds the BPF objects. */
int packet_bench(struct report *report, const char *build, const char *only, bool quick,
		 struct error *err);

#endif
