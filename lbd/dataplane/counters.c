// SPDX-License-Identifier: GPL-2.0-or-later
/* Per-CPU counters, summed. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/internal.h"

/* A per-CPU map of 64-bit counters, on its way into user space. */
struct counters {
	uint32_t entries, words; /* counters in an entry */
	int cpus;
	__u64 *held; /* an entry, of all CPUs */
	__u64 *sum;  /* of all entries */
};

/* -ENOENT: it has fewer entries than that, which are none. */
static int counters_add(const struct counters *counters, int fd)
{
	const uint32_t words = counters->words;

	for (__u32 entry = 0; entry < counters->entries; entry++) {
		if (bpf_map_lookup_elem(fd, &entry, counters->held))
			return -errno;
		for (uint32_t i = 0; i < (uint32_t)counters->cpus * words; i++)
			counters->sum[entry * words + i % words] += counters->held[i];
	}
	return 0;
}

void counters_begin_take(struct counters_older *older)
{
	while (older && __atomic_load_n(&older->readers, __ATOMIC_SEQ_CST))
		sched_yield();
	if (older)
		pthread_mutex_lock(&older->lock);
}

void counters_end_take(struct counters_older *older)
{
	if (older)
		pthread_mutex_unlock(&older->lock);
}

/* With what the older set still has: at no moment a counter goes back. */
static int counters_add_both(const struct dataplane *dataplane, enum map_id map,
			     const struct counters *counters)
{
	struct counters_older *older = dataplane->older;
	int rc;

	__atomic_add_fetch(&older->readers, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&older->lock);
	__atomic_sub_fetch(&older->readers, 1, __ATOMIC_SEQ_CST);
	rc = counters_add(counters, dataplane->fd[map]);
	if (!rc && older->set->fd[map] >= 0) /* an older release may not have had it */
		rc = counters_add(counters, older->set->fd[map]);
	pthread_mutex_unlock(&older->lock);
	return rc == -ENOENT ? 0 : rc;
}

/*
 * @ret has @words times as many as @entries, from its first byte on: which member
 * stands there is the layout's to say.
 */
static int counters_sum(const struct dataplane *dataplane, enum map_id map, uint32_t entries,
			uint32_t words, __u64 *ret)
{
	struct counters counters = { entries, words, libbpf_num_possible_cpus(), NULL, ret };
	int rc;

	if (counters.cpus < 0)
		return counters.cpus;
	counters.held = calloc((size_t)counters.cpus * words, sizeof(__u64));
	if (!counters.held)
		return -ENOMEM;
	memset(ret, 0, (size_t)entries * words * sizeof(*ret));
	if (dataplane->older && !dataplane->shared[map])
		rc = counters_add_both(dataplane, map, &counters);
	else
		rc = counters_add(&counters, dataplane->fd[map]);
	free(counters.held);
	return rc;
}

/*
 * There are two sets, so that a generation on trial counts apart from the one
 * that runs: its object's maps are those of one or of the other (dataplane_load).
 * An older generation may know one set only of a kind.
 */
static const enum map_id counters_sets[COUNTERS_KINDS][COUNTERS_SETS] = {
	[COUNTERS_OUTCOMES] = { MAP_lbd_outcomes, MAP_lbd_outcomes2 },
	[COUNTERS_BACKENDS] = { MAP_lbd_be_stats, MAP_lbd_be_stats2 },
};

enum map_id counters_set(enum counters_kind kind, int set)
{
	return counters_sets[kind][set];
}

static enum map_id counters_of(int prog_fd, enum counters_kind kind)
{
	const enum map_id second = counters_sets[kind][1];
	int fd = generation_map(prog_fd, maps_name(second), 0);

	if (fd < 0)
		return counters_sets[kind][0];
	close(fd);
	return second;
}

enum map_id counters_other(const struct dataplane *dataplane, enum counters_kind kind)
{
	const enum map_id *sets = counters_sets[kind];
	int fd = generation_fd(dataplane, LBD_GENERATION_RUNNING);
	enum map_id set = fd < 0 ? sets[1] : counters_of(fd, kind);

	if (fd >= 0)
		close(fd);
	return set == sets[0] ? sets[1] : sets[0];
}

static int counters_outcomes(const struct dataplane *dataplane, enum map_id set, uint64_t *ret)
{
	struct lbd_outcome_counters sum = { 0 };
	int rc = counters_sum(dataplane, set, 1, LBD_OUTCOME_MAX, sum.packets);

	for (int i = 0; i < LBD_OUTCOME_MAX && !rc; i++)
		ret[i] += sum.packets[i];
	return rc;
}

int dataplane_outcomes(const struct dataplane *dataplane, uint64_t *ret)
{
	int rc = 0;

	memset(ret, 0, LBD_OUTCOME_MAX * sizeof(*ret));
	for (int set = 0; set < COUNTERS_SETS && !rc; set++)
		rc = counters_outcomes(dataplane, counters_sets[COUNTERS_OUTCOMES][set], ret);
	return rc;
}

int counters_side(const struct dataplane *dataplane, enum lbd_split_slot side, uint64_t *ret)
{
	int fd = generation_fd_in(dataplane, MAP_lbd_split, side), rc;

	memset(ret, 0, LBD_OUTCOME_MAX * sizeof(*ret));
	if (fd < 0)
		return fd;
	rc = counters_outcomes(dataplane, counters_of(fd, COUNTERS_OUTCOMES), ret);
	close(fd);
	return rc;
}

int counters_split(const struct dataplane *dataplane, struct lbd_split_seen *ret)
{
	return counters_sum(dataplane, MAP_lbd_split_cpu, 1, sizeof(*ret) / sizeof(__u64),
			    (__u64 *)ret);
}

static int counters_traffic(const struct dataplane *dataplane, enum map_id map, uint32_t entries,
			    struct lbd_traffic *ret)
{
	return counters_sum(dataplane, map, entries, sizeof(*ret) / sizeof(__u64), (__u64 *)ret);
}

int dataplane_service_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret)
{
	return counters_traffic(dataplane, MAP_lbd_svc_stats, dataplane->limits.services, ret);
}

/* Both sets: @ret has room for one. */
int dataplane_backend_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret)
{
	const uint32_t backends = dataplane->limits.backends;
	struct lbd_traffic *second = calloc(backends, sizeof(*second));
	int rc = second ? 0 : -ENOMEM;

	if (!rc)
		rc = counters_traffic(dataplane, MAP_lbd_be_stats, backends, ret);
	if (!rc)
		rc = counters_traffic(dataplane, MAP_lbd_be_stats2, backends, second);
	for (uint32_t i = 0; i < backends && !rc; i++) {
		ret[i].packets += second[i].packets;
		ret[i].bytes += second[i].bytes;
	}
	free(second);
	return rc;
}

int counters_backend(const struct dataplane *dataplane, enum map_id set, uint32_t index,
		     uint64_t *ret_packets)
{
	const int cpus = libbpf_num_possible_cpus();
	struct lbd_traffic *held;
	int rc = 0;

	*ret_packets = 0;
	if (cpus < 0)
		return cpus;
	held = calloc((size_t)cpus, sizeof(*held));
	if (!held)
		return -ENOMEM;
	if (bpf_map_lookup_elem(dataplane->fd[set], &index, held))
		rc = -errno;
	for (int cpu = 0; cpu < cpus && !rc; cpu++)
		*ret_packets += held[cpu].packets;
	free(held);
	return rc;
}

int counters_side_set(const struct dataplane *dataplane, enum lbd_split_slot side,
		      enum counters_kind kind)
{
	int fd = generation_fd_in(dataplane, MAP_lbd_split, side), set;

	if (fd < 0)
		return fd;
	set = counters_of(fd, kind);
	close(fd);
	return set;
}
