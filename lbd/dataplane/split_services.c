// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A trial service by service: the splitter counts what it hands to each side
 * (in a map of its own, which goes with it), and either side's generation what
 * it gives to each backend. What a service was handed and none of its backends
 * got is lost, or went elsewhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/internal.h"

static struct bpf_map *split_services_map(const struct bpf_object *object)
{
	return bpf_object__find_map_by_name(object, LBD_SPLIT_SVC);
}

int split_services_size(struct bpf_object *object, const struct dataplane_split_plan *plan)
{
	struct bpf_map *map = split_services_map(object);

	if (!plan->watched_count)
		return 0;
	/* An older splitter counts no services. */
	return map ? bpf_map__set_max_entries(map, plan->watched_count) : 0;
}

int split_services_enter(const struct bpf_object *object, const struct dataplane_split_plan *plan)
{
	const struct bpf_map *map = split_services_map(object);
	const int cpus = libbpf_num_possible_cpus();
	struct lbd_split_handed *none;
	int rc = 0;

	if (cpus < 0 || !map)
		return cpus < 0 ? cpus : 0;
	none = calloc((size_t)cpus, sizeof(*none));
	if (!none)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->watched_count && !rc; i++)
		if (bpf_map_update_elem(bpf_map__fd(map), &plan->watched[i], none, BPF_ANY))
			rc = -errno;
	free(none);
	return rc;
}

static int split_services_open(const struct dataplane *dataplane)
{
	int splitter, fd;

	if (!split_stands(dataplane))
		return -ENOENT;
	splitter = generation_fd_in(dataplane, MAP_lbd_generations, LBD_GENERATION_RUNNING);
	if (splitter < 0)
		return splitter;
	fd = generation_map(splitter, LBD_SPLIT_SVC, sizeof(struct lbd_split_handed));
	close(splitter);
	return fd;
}

static int split_services_sum(int fd, const struct lbd_split_key *key, int cpus,
			      struct lbd_split_handed *held, struct lbd_split_handed *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (bpf_map_lookup_elem(fd, key, held))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (int side = 0; side < LBD_SPLIT_SLOTS; side++)
			ret->packets[side] += held[cpu].packets[side];
	return 0;
}

int dataplane_split_handed(const struct dataplane *dataplane, const struct lbd_split_key *keys,
			   uint32_t count, struct lbd_split_handed *ret)
{
	const int cpus = libbpf_num_possible_cpus();
	struct lbd_split_handed *held;
	int fd, rc = 0;

	if (cpus < 0)
		return cpus;
	fd = split_services_open(dataplane);
	if (fd < 0)
		return fd;
	held = calloc((size_t)cpus, sizeof(*held));
	if (!held)
		rc = -ENOMEM;
	for (uint32_t i = 0; i < count && !rc; i++)
		rc = split_services_sum(fd, &keys[i], cpus, held, &ret[i]);
	free(held);
	close(fd);
	return rc;
}

/* Whose backend @index is, in the half in force; 0: nobody's. */
static uint16_t split_services_of(const struct dataplane *dataplane, uint32_t index)
{
	const uint32_t half = LBD_READ_ONCE(dataplane->control->active) & 1;

	return snapshot_backends(dataplane, half)[index].service;
}

int dataplane_split_backends(const struct dataplane *dataplane, struct dataplane_split_backend *ret)
{
	int sets[LBD_SPLIT_SLOTS], rc = 0;

	for (int side = 0; side < LBD_SPLIT_SLOTS; side++) {
		sets[side] =
			counters_side_set(dataplane, (enum lbd_split_slot)side, COUNTERS_BACKENDS);
		if (sets[side] < 0)
			return sets[side];
	}
	if (sets[LBD_SPLIT_STABLE] == sets[LBD_SPLIT_CANDIDATE])
		return -EOPNOTSUPP;
	for (uint32_t i = 0; i < dataplane->limits.backends && !rc; i++) {
		ret[i] = (struct dataplane_split_backend){ .service = split_services_of(dataplane,
											i) };
		for (int side = 0; ret[i].service && side < LBD_SPLIT_SLOTS && !rc; side++)
			rc = counters_backend(dataplane, (enum map_id)sets[side], i,
					      &ret[i].packets[side]);
	}
	return rc;
}
