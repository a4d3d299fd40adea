// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/wrapper.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct wrapper {
	struct bpf_object *object;
	struct wrap_state *state; /* the program's own, mapped */
	int fd[WRAP_TARGETS];
	uint8_t frame[WRAP_FRAME_MAX];
	uint32_t frame_size;
};

uint32_t wrapper_packets(const struct wrapper_run *run)
{
	return run->warm + run->timed + 1;
}

static struct bpf_map *wrapper_map(const struct wrapper *wrapper, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, wrapper->object)
		if (!strcmp(bpf_map__name(map), name))
			return map;
	return NULL;
}

static int wrapper_load(struct wrapper *wrapper, const char *path, const struct wrap_config *config,
			struct error *err)
{
	int rc;

	wrapper->object = bpf_object__open_file(path, NULL);
	if (!wrapper->object)
		return error_errno(err, -errno, "%s", path);
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

static int wrapper_point(struct wrapper *wrapper, int prog_fd, struct error *err)
{
	const int targets[WRAP_TARGETS] = {
		[WRAP_PROGRAM] = prog_fd,
		[WRAP_EMPTY] = wrapper_fd(wrapper, "empty"),
	};
	int map = bpf_map__fd(wrapper_map(wrapper, "wrap_targets"));

	wrapper->fd[WRAP_PROGRAM] = wrapper_fd(wrapper, "wrap_program");
	wrapper->fd[WRAP_EMPTY] = wrapper_fd(wrapper, "wrap_empty");
	for (__u32 i = 0; i < WRAP_TARGETS; i++)
		if (bpf_map_update_elem(map, &i, &targets[i], BPF_ANY))
			return error_errno(err, -errno, "point the wrapper at its target");
	return 0;
}

int wrapper_open(const char *object, const struct wrap_config *config, const uint8_t *frame,
		 int prog_fd, struct wrapper **ret, struct error *err)
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
		rc = wrapper_point(wrapper, prog_fd, err);
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
	if (wrapper->state)
		munmap(wrapper->state, sizeof(*wrapper->state));
	bpf_object__close(wrapper->object);
	free(wrapper);
}

static void wrapper_begin(struct wrapper *wrapper, const struct wrapper_run *run)
{
	struct wrap_state *state = wrapper->state;

	state->iteration = 0;
	state->first = run->warm;
	state->last = run->warm + run->timed;
	state->failed = 0;
}

int wrapper_run(struct wrapper *wrapper, struct wrapper_run *run, struct error *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = wrapper->frame,
		    .data_size_in = wrapper->frame_size, .data_out = run->out,
		    .data_size_out = sizeof(run->out), .repeat = (int)wrapper_packets(run));
	struct wrap_state *state = wrapper->state;
	int rc;

	wrapper_begin(wrapper, run);
	rc = bpf_prog_test_run_opts(wrapper->fd[run->target], &options);
	if (rc)
		return error_errno(err, rc, "test-run");
	if (state->failed || state->iteration != wrapper_packets(run))
		return error_set(err, -EPROTO, "of %u iterations %llu were begun and %llu failed",
				 wrapper_packets(run), (unsigned long long)state->iteration,
				 (unsigned long long)state->failed);
	run->out_size = options.data_size_out;
	run->last_place = state->place - 1;
	run->ns = (double)(state->to_ns - state->from_ns) / run->timed;
	return 0;
}
