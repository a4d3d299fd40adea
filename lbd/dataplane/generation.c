// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generations live in the pinned lbd_generations. The kernel's array is the
 * only truth: which program runs is asked of it, never remembered.
 *
 *   swap:      PREVIOUS <- RUNNING, then RUNNING <- new       (one word each)
 *   rollback:  PREVIOUS <- RUNNING, RUNNING <- old PREVIOUS
 *   refit:     RUNNING <- the same object, specialised for another config
 *
 * Killed between the two, PREVIOUS and RUNNING are the same program: a swap
 * that didn't happen, and a rollback that goes nowhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/internal.h"

static uint32_t generation_id(const struct dataplane *dataplane, __u32 slot)
{
	__u32 id = 0;

	if (bpf_map_lookup_elem(dataplane->fd[MAP_lbd_generations], &slot, &id))
		return 0;
	return id;
}

int generation_open(const struct dataplane *dataplane, __u32 slot)
{
	uint32_t id = generation_id(dataplane, slot), again;
	int fd;

	/* One that was swapped out may be gone before it could be opened. */
	for (; id; id = again) {
		fd = bpf_prog_get_fd_by_id(id);
		again = generation_id(dataplane, slot);
		if (fd != -ENOENT || again == id)
			return fd;
	}
	return -ENOENT;
}

static int generation_set(const struct dataplane *dataplane, __u32 slot, int fd, struct error *err)
{
	if (bpf_map_update_elem(dataplane->fd[MAP_lbd_generations], &slot, &fd, BPF_ANY))
		return error_errno(err, -errno, "write slot %u of lbd_generations", slot);
	return 0;
}

int dataplane_swap(struct dataplane *dataplane, int prog_fd, struct error *err)
{
	int running = generation_open(dataplane, LBD_GENERATION_RUNNING), rc = 0;

	if (running >= 0)
		rc = generation_set(dataplane, LBD_GENERATION_PREVIOUS, running, err);
	else if (running != -ENOENT)
		rc = error_errno(err, running, "open the running generation");
	if (!rc)
		rc = generation_set(dataplane, LBD_GENERATION_RUNNING, prog_fd, err);
	if (!rc)
		generation_follow(dataplane);
	if (running >= 0)
		close(running);
	return rc;
}

int dataplane_refit(struct dataplane *dataplane, int prog_fd, struct error *err)
{
	int rc = generation_set(dataplane, LBD_GENERATION_RUNNING, prog_fd, err);

	if (!rc)
		generation_follow(dataplane);
	return rc;
}

int dataplane_rollback(struct dataplane *dataplane, struct error *err)
{
	int previous = generation_open(dataplane, LBD_GENERATION_PREVIOUS), rc;

	if (previous < 0)
		return error_set(err, -ENOENT, "there is no previous generation to go back to");
	rc = dataplane_swap(dataplane, previous, err);
	close(previous);
	return rc;
}

static int64_t generation_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/*
 * Seconds since the epoch of a moment in nanoseconds since boot, rounded: the
 * two clocks aren't read at quite the same time.
 */
static int64_t generation_epoch(uint64_t boot_ns)
{
	int64_t booted = generation_clock_ns(CLOCK_REALTIME) - generation_clock_ns(CLOCK_BOOTTIME);

	return (booted + (int64_t)boot_ns + 500000000) / 1000000000;
}

#define GENERATION_MAPS_MAX (MAP_COUNT + 8)

int generation_map(int prog_fd, const char *name, uint32_t value_size)
{
	__u32 maps[GENERATION_MAPS_MAX], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .map_ids = (__u64)(uintptr_t)maps,
				      .nr_map_ids = GENERATION_MAPS_MAX };

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &size))
		return -errno;
	for (__u32 i = 0; i < info.nr_map_ids && i < GENERATION_MAPS_MAX; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(maps[i]);

		if (fd < 0)
			continue;
		size = sizeof(map);
		if (!bpf_obj_get_info_by_fd(fd, &map, &size) && map.value_size == value_size &&
		    !strcmp(map.name, name))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

void generation_config(int prog_fd, struct lbd_generation_config *ret)
{
	int fd = generation_map(prog_fd, LBD_GENERATION_CONFIG_SECTION, sizeof(*ret));
	__u32 zero = 0;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return;
	bpf_map_lookup_elem(fd, &zero, ret);
	close(fd);
}

int generation_read(int fd, struct dataplane_generation *ret, struct lbd_generation_config *config)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	generation_config(fd, config);
	ret->prog_id = info.id;
	ret->features = config->features;
	ret->instructions = info.xlated_prog_len / 8;
	ret->loaded_at = generation_epoch(info.load_time);
	for (int i = 0; i < 8; i++)
		snprintf(ret->tag + 2 * i, 3, "%02x", info.tag[i]);
	snprintf(ret->version, sizeof(ret->version), "%.31s", config->version);
	return 0;
}

static int generation_query(const struct dataplane *dataplane, enum lbd_generation_slot slot,
			    struct dataplane_generation *ret, struct lbd_generation_config *config)
{
	int fd = generation_open(dataplane, slot), rc;

	memset(ret, 0, sizeof(*ret));
	memset(config, 0, sizeof(*config));
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	rc = generation_read(fd, ret, config);
	close(fd);
	return rc;
}

int dataplane_generation(const struct dataplane *dataplane, enum lbd_generation_slot slot,
			 struct dataplane_generation *ret)
{
	struct lbd_generation_config config;

	return generation_query(dataplane, slot, ret, &config);
}

bool generation_held(const struct dataplane *dataplane, enum lbd_generation_slot slot,
		     struct lbd_generation_config *ret)
{
	struct dataplane_generation generation;

	return !generation_query(dataplane, slot, &generation, ret) && generation.prog_id;
}

void generation_follow_config(struct dataplane *dataplane,
			      const struct lbd_generation_config *config)
{
	object_follow_timeouts(dataplane, config);
	dataplane->tables.nat_control =
		config->features & LBD_FEATURE_NAT ? dataplane->control : NULL;
	dataplane->tables.backends = dataplane->memory[MAP_lbd_backends];
	dataplane->tables.nat = config->nat;
	dataplane->tables.pick_secret = config->pick_secret;
}

void generation_follow(struct dataplane *dataplane)
{
	struct lbd_generation_config running;

	if (generation_held(dataplane, LBD_GENERATION_RUNNING, &running))
		generation_follow_config(dataplane, &running);
}

bool dataplane_fits(const struct dataplane *dataplane, enum lbd_generation_slot slot,
		    const struct model *model, uint32_t features)
{
	struct lbd_generation_config held, wanted;

	if (!generation_held(dataplane, slot, &held))
		return false;
	wanted = held;
	object_specialise(dataplane, model, features, &wanted);
	return !memcmp(&held, &wanted, sizeof(held));
}

int dataplane_test_run(struct dataplane *dataplane, int prog_fd, uint32_t ifindex, const void *in,
		       uint32_t in_size, void *out, uint32_t *out_size)
{
	struct xdp_md context = { .data_end = in_size, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_size_in = in_size, .data_out = out,
		    .data_size_out = *out_size, .repeat = 1);
	int fd = prog_fd, rc;

	if (ifindex) {
		run.ctx_in = &context;
		run.ctx_size_in = sizeof(context);
	}
	if (fd < 0)
		fd = generation_open(dataplane, LBD_GENERATION_RUNNING);
	if (fd < 0)
		return fd;
	rc = bpf_prog_test_run_opts(fd, &run);
	if (fd != prog_fd)
		close(fd);
	*out_size = run.data_size_out;
	return rc ? rc : (int)run.retval;
}
