// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything happens on one CPU, in one softirq after the other: a batch is
 * generated, balanced and sunk before the next begins, so nothing is lost and
 * nothing waits. What is measured is the CPU time of the generator's thread and
 * of this CPU's ksoftirqd.
 */
#include "tests/bench/road.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/cpu.h"
#include "tests/bench/e2e.bpf.h"

#define BATCH 64
struct road {
	struct hosts hosts;
	struct cpu_meter meter;
	struct bpf_object *object;
	struct e2e_state *state; /* the programs' own, mapped */
};

/* --- programs */

static struct bpf_map *road_map(const struct road *road, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, road->object)
		if (!strcmp(bpf_map__name(map), name))
			return map;
	return NULL;
}

static int road_fd(const struct road *road, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(road->object, name));
}

static int road_load(struct road *road, const char *build, struct error *err)
{
	struct e2e_config config = { 0 };
	static const uint8_t to_lb[12] = { 2, 0, 0, 0, 0xee, 2, 2, 0, 0, 0, 0xee, 1 };
	static const uint8_t to_backend[12] = { 2, 0, 0, 0, 0xee, 4, 2, 0, 0, 0, 0xee, 3 };
	char path[256];
	int rc = hosts_ifindex(&road->hosts, HOST_CLIENT, "c0", err);

	if (rc < 0)
		return rc;
	config.generate_ifindex = (__u32)rc;
	memcpy(config.generate_macs, to_lb, sizeof(to_lb));
	memcpy(config.forward_macs, to_backend, sizeof(to_backend));
	snprintf(path, sizeof(path), "%s/tests/bench/e2e.bpf.o", build);
	road->object = bpf_object__open_file(path, NULL);
	if (!road->object)
		return error_errno(err, -errno, "%s", path);
	rc = bpf_map__set_initial_value(road_map(road, ".rodata.e2e"), &config, sizeof(config));
	if (!rc)
		rc = bpf_object__load(road->object);
	return rc ? error_errno(err, rc, "load %s", path) : 0;
}

static int road_map_state(struct road *road, struct error *err)
{
	void *memory = mmap(NULL, sizeof(*road->state), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(road_map(road, ".data.e2e")), 0);

	if (memory == MAP_FAILED)
		return error_errno(err, -errno, "map the state of the road");
	road->state = memory;
	road->state->random = 2463534242U;
	return 0;
}

static int road_point_redirect(struct road *road, struct error *err)
{
	int l1 = hosts_ifindex(&road->hosts, HOST_LB, "l1", err), zero = 0;

	if (l1 < 0)
		return l1;
	if (bpf_map_update_elem(bpf_map__fd(road_map(road, "e2e_tx")), &zero, &l1, BPF_ANY))
		return error_errno(err, -errno, "enter l1 for redirection");
	return 0;
}

static int road_attach_tc(struct road *road, struct error *err)
{
	int b0 = hosts_ifindex(&road->hosts, HOST_BACKEND, "b0", err), rc;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = b0, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = road_fd(road, "sink_tc"));

	if (b0 < 0)
		return b0;
	rc = bpf_tc_hook_create(&hook);
	if (!rc)
		rc = bpf_tc_attach(&hook, &options);
	return rc ? error_errno(err, rc, "attach to tc at b0") : 0;
}

static int road_xdp(struct road *road, enum host host, const char *name, int fd, struct error *err)
{
	int ifindex = hosts_ifindex(&road->hosts, host, name, err), rc;

	if (ifindex < 0)
		return ifindex;
	rc = bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL);
	return rc ? error_errno(err, rc, "XDP program of %s", name) : 0;
}

int road_sink(struct road *road, bool xdp, struct error *err)
{
	return road_xdp(road, HOST_BACKEND, "b0", xdp ? road_fd(road, "sink_xdp") : -1, err);
}

int road_redirect(struct road *road, bool on, struct error *err)
{
	return road_xdp(road, HOST_LB, "l0", on ? road_fd(road, "redirect") : -1, err);
}

/* --- traffic */

static int road_generate(const struct road *road, uint32_t packets)
{
	uint8_t frame[E2E_FRAME] = { 0 };
	struct xdp_md context = { .data_end = sizeof(frame) };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)packets,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	return bpf_prog_test_run_opts(road_fd(road, "generate"), &run);
}

int road_send(struct road *road, uint32_t flows, uint32_t packets, struct road_traffic *ret,
	      struct error *err)
{
	uint64_t received;
	double ns;
	int rc;

	rc = hosts_enter(&road->hosts, HOST_CLIENT, err);
	if (rc)
		return rc;
	road->state->flows = flows;
	received = road->state->received;
	ns = cpu_ns(&road->meter);
	rc = road_generate(road, packets);
	usleep(1000); /* ksoftirqd may still have some on its hands */
	ret->ns = cpu_ns(&road->meter) - ns;
	if (rc)
		return error_errno(err, rc, "generate packets");
	ret->sent = packets;
	ret->received = road->state->received - received;
	ret->ns /= ret->received ? (double)ret->received : 1;
	return 0;
}

/* --- all of it */

int road_open(const char *build, struct road **ret, struct error *err)
{
	struct road *road = calloc(1, sizeof(*road));
	int rc;

	if (!road)
		return error_set(err, -ENOMEM, "out of memory");
	rc = hosts_open(&road->hosts, "frames", err);
	if (!rc)
		rc = road_load(road, build, err);
	if (!rc)
		rc = road_map_state(road, err);
	if (!rc)
		rc = road_point_redirect(road, err);
	if (!rc)
		rc = road_attach_tc(road, err);
	if (!rc)
		rc = cpu_open(&road->meter, err);
	if (rc)
		road_close(road);
	else
		*ret = road;
	return rc;
}

const struct hosts *road_hosts(const struct road *road)
{
	return &road->hosts;
}

void road_close(struct road *road)
{
	if (!road)
		return;
	if (road->state)
		munmap(road->state, sizeof(*road->state));
	bpf_object__close(road->object);
	hosts_close(&road->hosts);
	free(road);
}
