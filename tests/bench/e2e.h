/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets a second through a balancer between two veth links. */
#ifndef BENCH_E2E_H
#define BENCH_E2E_H

#include "base/error.h"
#include "tests/bench/report.h"

/* Measure every case whose name contains @only. @build holds the BPF objects. */
int e2e_bench(struct report *report, const char *build, const char *only, struct error *err);

#endif
