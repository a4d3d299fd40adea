// SPDX-License-Identifier: GPL-2.0-or-later
/* Per-CPU counters, summed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/internal.h"

/*
 * Read entry after entry of a per-CPU map of 64-bit counters and add up the
 * CPUs. @words: counters in an entry; @ret has @entries times as many.
 */
static int counters_sum(int fd, uint32_t entries, uint32_t words, __u64 *ret)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 *held;
	int rc = 0;

	if (cpus < 0)
		return cpus;
	held = calloc((size_t)cpus * words, sizeof(*held));
	if (!held)
		return -ENOMEM;
	memset(ret, 0, (size_t)entries * words * sizeof(*ret));
	for (__u32 entry = 0; entry < entries && !rc; entry++) {
		if (bpf_map_lookup_elem(fd, &entry, held))
			rc = -errno;
		for (uint32_t i = 0; i < (uint32_t)cpus * words && !rc; i++)
			ret[entry * words + i % words] += held[i];
	}
	free(held);
	return rc;
}

int dataplane_outcomes(const struct dataplane *dataplane, uint64_t *ret)
{
	struct lbd_outcome_counters sum = { 0 };
	int rc = counters_sum(dataplane->fd[MAP_lbd_outcomes], 1, LBD_OUTCOME_MAX, sum.packets);

	for (int i = 0; i < LBD_OUTCOME_MAX && !rc; i++)
		ret[i] = sum.packets[i];
	return rc;
}

static int counters_traffic(int fd, uint32_t entries, struct lbd_traffic *ret)
{
	return counters_sum(fd, entries, sizeof(*ret) / sizeof(__u64), &ret->packets);
}

int dataplane_service_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret)
{
	return counters_traffic(dataplane->fd[MAP_lbd_svc_stats], dataplane->limits.services, ret);
}

int dataplane_backend_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret)
{
	return counters_traffic(dataplane->fd[MAP_lbd_be_stats], dataplane->limits.backends, ret);
}
