/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network namespaces of tests/bench/topology: client, balancer, backend, and a wire.
 * The process goes from one to the other.
 */
#ifndef BENCH_HOSTS_H
#define BENCH_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum host { HOST_CLIENT, HOST_LB, HOST_BACKEND, HOST_WIRE, HOSTS };

struct hosts {
	int home; /* the namespace that we came from */
	int fd[HOSTS];
};

/* Build them, as @verb of the script says. To be closed whatever comes of it. */
int hosts_open(struct hosts *hosts, const char *verb, struct error *err);

/* Go back to where the process came from, and tear them down. */
void hosts_close(struct hosts *hosts);

/* Go into @host. */
int hosts_enter(const struct hosts *hosts, enum host host, struct error *err);

/* The index of an interface of @host, where the process then is; negative: an error. */
int hosts_ifindex(const struct hosts *hosts, enum host host, const char *name, struct error *err);

/* Packets that interface @name of @host has received. */
int hosts_received(const struct hosts *hosts, enum host host, const char *name, uint64_t *ret,
		   struct error *err);

#endif
