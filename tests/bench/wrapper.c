// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/wrapper.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct wrapper {
	struct bpf_object *object;
	struct wrap_state *state; /* the program's own, mapped */
	int fd;			  /* of the program */
	bool attached;
	uint8_t frame[WRAP_FRAME_MAX];
	uint32_t frame_size;
};

static struct bpf_map *wrapper_map(const struct wrapper *wrapper, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, wrapper->object)
		if (!strcmp(bpf_map__name(map), name))
			return map;
	return NULL;
}

/* As the packet path is loaded: what tail calls must say the same as its target. */
static void wrapper_attach_anywhere(const struct wrapper *wrapper)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, wrapper->object)
		bpf_program__set_expected_attach_type(program, 0);
}

static int wrapper_load(struct wrapper *wrapper, const char *path, const struct wrap_config *config,
			struct error *err)
{
	int rc;

	wrapper->object = bpf_object__open_file(path, NULL);
	if (!wrapper->object)
		return error_errno(err, -errno, "%s", path);
	wrapper_attach_anywhere(wrapper);
	rc = bpf_map__set_initial_value(wrapper_map(wrapper, ".rodata.wrap"), config,
					sizeof(*config));
	if (!rc)
		rc = bpf_object__load(wrapper->object);
	return rc ? error_errno(err, rc, "load %s", path) : 0;
}

static int wrapper_map_state(struct wrapper *wrapper, struct error *err)
{
	void *memory = mmap(NULL, sizeof(*wrapper->state), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(wrapper_map(wrapper, ".data.wrap")), 0);

	if (memory == MAP_FAILED)
		return error_errno(err, -errno, "map the wrapper's state");
	wrapper->state = memory;
	return 0;
}

static int wrapper_fd(const struct wrapper *wrapper, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(wrapper->object, name));
}

static int wrapper_point(struct wrapper *wrapper, const int programs[2], struct error *err)
{
	const int targets[WRAP_TARGETS] = {
		[WRAP_PROGRAM] = programs[WRAP_PROGRAM],
		[WRAP_OVER] = programs[WRAP_OVER],
		[WRAP_EMPTY] = wrapper_fd(wrapper, "empty"),
	};
	int map = bpf_map__fd(wrapper_map(wrapper, "wrap_targets"));

	wrapper->fd = wrapper_fd(wrapper, "wrap");
	for (__u32 i = 0; i < WRAP_TARGETS; i++)
		if (targets[i] >= 0 && bpf_map_update_elem(map, &i, &targets[i], BPF_ANY))
			return error_errno(err, -errno, "point the wrapper at its target");
	return 0;
}

/*
 * A program that stands nowhere goes into the kernel's XDP dispatcher before
 * each test-run and out of it after, and both wait for all CPUs: 20 to 60 ms.
 */
static int wrapper_stand(struct wrapper *wrapper, struct error *err)
{
	int rc = bpf_xdp_attach(WRAPPER_STANDS_ON, wrapper->fd, XDP_FLAGS_SKB_MODE, NULL);

	if (rc)
		return error_errno(err, rc, "attach the wrapper to the loopback device");
	wrapper->attached = true;
	return 0;
}

int wrapper_open(const char *object, const struct wrap_config *config, const uint8_t *frame,
		 const int programs[2], struct wrapper **ret, struct error *err)
{
	struct wrapper *wrapper = calloc(1, sizeof(*wrapper));
	int rc;

	if (!wrapper)
		return error_set(err, -ENOMEM, "out of memory");
	wrapper->frame_size = config->frame_size;
	memcpy(wrapper->frame, frame, config->frame_size);
	rc = wrapper_load(wrapper, object, config, err);
	if (!rc)
		rc = wrapper_map_state(wrapper, err);
	if (!rc)
		rc = wrapper_point(wrapper, programs, err);
	if (!rc)
		rc = wrapper_stand(wrapper, err);
	if (rc) {
		wrapper_close(wrapper);
		return rc;
	}
	memcpy(wrapper->state->head, frame, sizeof(wrapper->state->head));
	*ret = wrapper;
	return 0;
}

void wrapper_close(struct wrapper *wrapper)
{
	if (!wrapper)
		return;
	if (wrapper->attached)
		bpf_xdp_detach(WRAPPER_STANDS_ON, XDP_FLAGS_SKB_MODE, NULL);
	if (wrapper->state)
		munmap(wrapper->state, sizeof(*wrapper->state));
	bpf_object__close(wrapper->object);
	free(wrapper);
}

int wrapper_set_way(struct wrapper *wrapper, uint32_t place, const struct wrap_way *way)
{
	return bpf_map_update_elem(bpf_map__fd(wrapper_map(wrapper, "wrap_ways")), &place, way,
				   BPF_ANY);
}

void wrapper_seek(struct wrapper *wrapper, uint64_t place)
{
	wrapper->state->place = place;
}

static double wrapper_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int wrapper_run(struct wrapper *wrapper, struct wrapper_run *run, struct error *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = wrapper->frame,
		    .data_size_in = wrapper->frame_size, .data_out = run->out,
		    .data_size_out = sizeof(run->out), .repeat = (int)run->packets);
	struct wrap_state *state = wrapper->state;
	uint64_t from = state->place;
	double from_ns;
	int rc;

	state->failed = 0;
	state->target = run->target;
	from_ns = wrapper_cpu_ns();
	rc = bpf_prog_test_run_opts(wrapper->fd, &options);
	run->ns = (wrapper_cpu_ns() - from_ns) / run->packets;
	if (rc)
		return error_errno(err, rc, "test-run");
	if (state->failed || state->place - from != run->packets)
		return error_set(err, -EPROTO, "of %u packets %llu were begun and %llu failed",
				 run->packets, (unsigned long long)(state->place - from),
				 (unsigned long long)state->failed);
	run->out_size = options.data_size_out;
	run->last_place = state->place - 1;
	return 0;
}
