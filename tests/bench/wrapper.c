// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/wrapper.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct wrapper {
	struct bpf_object *object;
	struct wrap_state *state; /* the program's own, mapped */
	int fd[WRAP_TARGETS];
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
	from_ns = wrapper_cpu_ns();
	rc = bpf_prog_test_run_opts(wrapper->fd[run->target], &options);
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
