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
 *
 * While a candidate is on trial the splitter stands in RUNNING (split.c).
 * Whoever asks for a generation then gets what is meant by it, through
 * generation_fd(): the stable one as the running one during a canary, the
 * candidate while a swap is watched.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/internal.h"

static uint32_t generation_id(const struct dataplane *dataplane, enum map_id map, __u32 slot)
{
	__u32 id = 0;

	if (bpf_map_lookup_elem(dataplane->fd[map], &slot, &id))
		return 0;
	return id;
}

int generation_fd_in(const struct dataplane *dataplane, enum map_id map, __u32 slot)
{
	uint32_t id = generation_id(dataplane, map, slot), again;
	int fd;

	/* One that was swapped out may be gone before it could be opened. */
	for (; id; id = again) {
		fd = bpf_prog_get_fd_by_id(id);
		again = generation_id(dataplane, map, slot);
		if (fd != -ENOENT || again == id)
			return fd;
	}
	return -ENOENT;
}

int generation_fd(const struct dataplane *dataplane, enum lbd_generation_slot slot)
{
	const bool trial = split_stands(dataplane);
	const bool swapped = trial && split_control(dataplane)->swapped;

	if (trial && slot == LBD_GENERATION_RUNNING)
		return generation_fd_in(dataplane, MAP_lbd_split,
					swapped ? LBD_SPLIT_CANDIDATE : LBD_SPLIT_STABLE);
	if (swapped)
		return generation_fd_in(dataplane, MAP_lbd_split, LBD_SPLIT_STABLE);
	return generation_fd_in(dataplane, MAP_lbd_generations, slot);
}

int generation_set(const struct dataplane *dataplane, __u32 slot, int fd, struct error *err)
{
	if (bpf_map_update_elem(dataplane->fd[MAP_lbd_generations], &slot, &fd, BPF_ANY))
		return error_errno(err, -errno, "write slot %u of lbd_generations", slot);
	return 0;
}

static int generation_refuse_trial(const struct dataplane *dataplane, struct error *err)
{
	if (!split_stands(dataplane))
		return 0;
	return error_set(err, -EBUSY, "a packet path is on trial");
}

int dataplane_swap(struct dataplane *dataplane, int prog_fd, struct error *err)
{
	int running, rc = generation_refuse_trial(dataplane, err);

	if (rc)
		return rc;
	running = generation_fd(dataplane, LBD_GENERATION_RUNNING);
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
	int rc = generation_refuse_trial(dataplane, err);

	if (!rc)
		rc = generation_set(dataplane, LBD_GENERATION_RUNNING, prog_fd, err);
	if (!rc)
		generation_follow(dataplane);
	return rc;
}

int dataplane_rollback(struct dataplane *dataplane, struct error *err)
{
	int previous = generation_fd(dataplane, LBD_GENERATION_PREVIOUS), rc;

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

#define GENERATION_CONFIG_MAX 4096
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
		if (!bpf_obj_get_info_by_fd(fd, &map, &size) && !strcmp(map.name, name) &&
		    (!value_size || map.value_size == value_size))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

uint32_t generation_config(int prog_fd, struct lbd_generation_config *ret)
{
	int fd = generation_map(prog_fd, LBD_GENERATION_CONFIG_SECTION, 0);
	__u32 zero = 0, size = sizeof(struct bpf_map_info), known = 0;
	struct bpf_map_info info = { 0 };
	char held[GENERATION_CONFIG_MAX];

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return 0;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.value_size <= sizeof(held) &&
	    !bpf_map_lookup_elem(fd, &zero, held)) {
		known = info.value_size < sizeof(*ret) ? info.value_size : sizeof(*ret);
		memcpy(ret, held, known);
	}
	close(fd);
	return known;
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

int dataplane_generation(const struct dataplane *dataplane, enum lbd_generation_slot slot,
			 struct dataplane_generation *ret)
{
	int fd = generation_fd(dataplane, slot), rc;
	struct lbd_generation_config config;

	memset(ret, 0, sizeof(*ret));
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	rc = generation_read(fd, ret, &config);
	close(fd);
	return rc;
}

static uint32_t generation_held(const struct dataplane *dataplane, enum lbd_generation_slot slot,
				struct lbd_generation_config *ret)
{
	int fd = generation_fd(dataplane, slot);
	uint32_t size;

	if (fd < 0)
		return 0;
	size = generation_config(fd, ret);
	close(fd);
	return size;
}

/* Not by what is meant by a slot, but by what stands anywhere. */
bool generation_uses_bank(const struct dataplane *dataplane, uint32_t bank)
{
	static const struct {
		enum map_id map;
		__u32 slot;
	} places[] = {
		{ MAP_lbd_generations, LBD_GENERATION_RUNNING },
		{ MAP_lbd_generations, LBD_GENERATION_PREVIOUS },
		{ MAP_lbd_split, LBD_SPLIT_STABLE },
		{ MAP_lbd_split, LBD_SPLIT_CANDIDATE },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd = generation_fd_in(dataplane, places[i].map, places[i].slot);
		struct lbd_generation_config held;
		bool uses;

		if (fd < 0)
			continue;
		uses = generation_config(fd, &held) && held.bank == bank;
		close(fd);
		if (uses)
			return true;
	}
	return false;
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
	uint32_t size = generation_held(dataplane, slot, &held);

	if (!size)
		return false;
	wanted = held;
	object_specialise(dataplane, model, features, &wanted);
	/* An older object has no more fields than that. */
	return !memcmp(&held, &wanted, size);
}

int dataplane_test_run_timed(struct dataplane *dataplane, int prog_fd, uint32_t ifindex,
			     const void *in, uint32_t in_size, void *out, uint32_t *out_size,
			     uint32_t *ret_ns)
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
		fd = generation_fd(dataplane, LBD_GENERATION_RUNNING);
	if (fd < 0)
		return fd;
	rc = bpf_prog_test_run_opts(fd, &run);
	if (fd != prog_fd)
		close(fd);
	*out_size = run.data_size_out;
	*ret_ns = run.duration;
	return rc ? rc : (int)run.retval;
}

int dataplane_test_run(struct dataplane *dataplane, int prog_fd, uint32_t ifindex, const void *in,
		       uint32_t in_size, void *out, uint32_t *out_size)
{
	uint32_t ns;

	return dataplane_test_run_timed(dataplane, prog_fd, ifindex, in, in_size, out, out_size,
					&ns);
}
