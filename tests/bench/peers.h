/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU time that a balancer takes for each packet, beside HAProxy's and NGINX's. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "base/error.h"
#include "tests/bench/report.h"

/* Measure every case whose name contains @only. @build holds the BPF objects. */
int peers_bench(struct report *report, const char *build, const char *only, struct error *err);

#endif
