/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire of tests/bench/topology (wire.bpf.c). */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "base/error.h"
#include "tests/bench/hosts.h"

struct wire;

/* Join its ends. *ret is the caller's, also on failure. */
int wire_open(const struct hosts *hosts, const char *build, struct wire **ret, struct error *err);

/* Accepts NULL. */
void wire_close(struct wire *wire);

#endif
