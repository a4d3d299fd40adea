// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOPOLOGY "tests/bench/topology"

static const char *const hosts_paths[HOSTS] = {
	[HOST_CLIENT] = "/run/netns/lbd-bench-client",
	[HOST_LB] = "/run/netns/lbd-bench-lb",
	[HOST_BACKEND] = "/run/netns/lbd-bench-backend",
	[HOST_WIRE] = "/run/netns/lbd-bench-wire",
};

int hosts_open(struct hosts *hosts, const char *verb, struct error *err)
{
	char command[64];

	for (int i = 0; i < HOSTS; i++)
		hosts->fd[i] = -1;
	hosts->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (hosts->home < 0)
		return error_errno(err, -errno, "open the own network namespace");
	snprintf(command, sizeof(command), "%s %s", TOPOLOGY, verb);
	if (system(command))
		return error_set(err, -EIO, "failed: %s", command);
	for (int i = 0; i < HOSTS; i++) {
		hosts->fd[i] = open(hosts_paths[i], O_RDONLY | O_CLOEXEC);
		if (hosts->fd[i] < 0)
			return error_errno(err, -errno, "open %s", hosts_paths[i]);
	}
	return 0;
}

void hosts_close(struct hosts *hosts)
{
	if (hosts->home < 0)
		return;
	for (int i = 0; i < HOSTS; i++)
		if (hosts->fd[i] >= 0)
			close(hosts->fd[i]);
	if (setns(hosts->home, CLONE_NEWNET) || system(TOPOLOGY " down"))
		fprintf(stderr, "bench: %s down failed\n", TOPOLOGY);
	close(hosts->home);
}

int hosts_enter(const struct hosts *hosts, enum host host, struct error *err)
{
	return setns(hosts->fd[host], CLONE_NEWNET)
		       ? error_errno(err, -errno, "enter %s", hosts_paths[host])
		       : 0;
}

int hosts_ifindex(const struct hosts *hosts, enum host host, const char *name, struct error *err)
{
	int rc = hosts_enter(hosts, host, err);

	if (rc)
		return rc;
	rc = (int)if_nametoindex(name);
	return rc ? rc : error_errno(err, -errno, "interface %s", name);
}

/* Of /proc/net/dev: "  l0: bytes packets ...". */
static bool hosts_parse_received(FILE *file, const char *name, uint64_t *ret)
{
	char line[512], device[32];
	unsigned long long packets;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %31[^:]: %*u %llu", device, &packets) != 2)
			continue;
		if (strcmp(device, name) != 0)
			continue;
		*ret = packets;
		return true;
	}
	return false;
}

int hosts_received(const struct hosts *hosts, enum host host, const char *name, uint64_t *ret,
		   struct error *err)
{
	int rc = hosts_enter(hosts, host, err);
	bool found = false;
	FILE *file;

	if (rc)
		return rc;
	file = fopen("/proc/thread-self/net/dev", "re");
	if (file) {
		found = hosts_parse_received(file, name, ret);
		fclose(file);
	}
	return found ? 0 : error_set(err, -ENOENT, "no packet counter of interface %s", name);
}
