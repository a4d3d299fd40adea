/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Balancers that lbd is compared with: HAProxy for TCP, NGINX's stream module
 * for UDP, each as one process of one thread at the VIP of tests/bench/topology,
 * with 16 backends, no checks and no log.
 */
#ifndef BENCH_PROXY_H
#define BENCH_PROXY_H

#include <sys/types.h>

#include "base/error.h"
#include "tests/bench/hosts.h"

enum proxy_kind { PROXY_HAPROXY, PROXY_NGINX };

struct proxy {
	pid_t pid;
	char directory[32]; /* with its configuration */
};

/* Returns before it listens. To be stopped whatever comes of it. */
int proxy_start(struct proxy *proxy, enum proxy_kind kind, const struct hosts *hosts,
		struct error *err);

/* Accepts a zeroed one. */
void proxy_stop(struct proxy *proxy);

#endif
