// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything happens on one CPU, in one softirq after the other: a batch is
 * generated, balanced and sunk before the next begins, so nothing is lost and
 * nothing waits. What is measured is the CPU time of the generator's thread and
 * of this CPU's ksoftirqd, which takes over when softirqs last too long.
 */
#include "tests/bench/road.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/e2e.bpf.h"

#define BATCH 64
#define TOPOLOGY "tests/bench/topology"

struct road {
	int home; /* the namespace that we came from */
	int host[ROAD_HOSTS];
	struct bpf_object *object;
	struct e2e_state *state; /* the programs' own, mapped */
	char ksoftirqd[64];	 /* its schedstat */
};

static const char *const road_paths[ROAD_HOSTS] = {
	[ROAD_CLIENT] = "/run/netns/lbd-bench-client",
	[ROAD_LB] = "/run/netns/lbd-bench-lb",
	[ROAD_BACKEND] = "/run/netns/lbd-bench-backend",
};

/* --- namespaces */

static int road_build(struct road *road, struct error *err)
{
	road->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (road->home < 0)
		return error_errno(err, -errno, "open the own network namespace");
	if (system(TOPOLOGY " up"))
		return error_set(err, -EIO, "%s up failed", TOPOLOGY);
	for (int i = 0; i < ROAD_HOSTS; i++) {
		road->host[i] = open(road_paths[i], O_RDONLY | O_CLOEXEC);
		if (road->host[i] < 0)
			return error_errno(err, -errno, "open %s", road_paths[i]);
	}
	return 0;
}

int road_enter(struct road *road, enum road_host host, struct error *err)
{
	return setns(road->host[host], CLONE_NEWNET)
		       ? error_errno(err, -errno, "enter %s", road_paths[host])
		       : 0;
}

static int road_ifindex(struct road *road, enum road_host host, const char *name, struct error *err)
{
	int rc = road_enter(road, host, err);

	if (rc)
		return rc;
	rc = (int)if_nametoindex(name);
	return rc ? rc : error_errno(err, -errno, "interface %s", name);
}

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
	int rc = road_ifindex(road, ROAD_CLIENT, "c0", err);

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
	int l1 = road_ifindex(road, ROAD_LB, "l1", err), zero = 0;

	if (l1 < 0)
		return l1;
	if (bpf_map_update_elem(bpf_map__fd(road_map(road, "e2e_tx")), &zero, &l1, BPF_ANY))
		return error_errno(err, -errno, "enter l1 for redirection");
	return 0;
}

static int road_attach_tc(struct road *road, struct error *err)
{
	int b0 = road_ifindex(road, ROAD_BACKEND, "b0", err), rc;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = b0, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = road_fd(road, "sink_tc"));

	if (b0 < 0)
		return b0;
	rc = bpf_tc_hook_create(&hook);
	if (!rc)
		rc = bpf_tc_attach(&hook, &options);
	return rc ? error_errno(err, rc, "attach to tc at b0") : 0;
}

static int road_xdp(struct road *road, enum road_host host, const char *name, int fd,
		    struct error *err)
{
	int ifindex = road_ifindex(road, host, name, err), rc;

	if (ifindex < 0)
		return ifindex;
	rc = bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL);
	return rc ? error_errno(err, rc, "XDP program of %s", name) : 0;
}

int road_sink(struct road *road, bool xdp, struct error *err)
{
	return road_xdp(road, ROAD_BACKEND, "b0", xdp ? road_fd(road, "sink_xdp") : -1, err);
}

int road_redirect(struct road *road, bool on, struct error *err)
{
	return road_xdp(road, ROAD_LB, "l0", on ? road_fd(road, "redirect") : -1, err);
}

/* --- CPU time */

static int road_comm_is(const char *path, const char *name)
{
	char comm[32] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, name);
}

static int road_find_ksoftirqd(struct road *road, struct error *err)
{
	char name[32];
	glob_t files;

	snprintf(name, sizeof(name), "ksoftirqd/%d", sched_getcpu());
	if (glob("/proc/[0-9]*/comm", 0, NULL, &files))
		return error_set(err, -ENOENT, "/proc shows no processes");
	for (size_t i = 0; i < files.gl_pathc; i++)
		if (road_comm_is(files.gl_pathv[i], name))
			snprintf(road->ksoftirqd, sizeof(road->ksoftirqd), "%.*s/schedstat",
				 (int)strlen(files.gl_pathv[i]) - (int)strlen("/comm"),
				 files.gl_pathv[i]);
	globfree(&files);
	return *road->ksoftirqd ? 0 : error_set(err, -ENOENT, "no process %s", name);
}

static double road_ksoftirqd_ns(const struct road *road)
{
	FILE *file = fopen(road->ksoftirqd, "re");
	double ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

static double road_cpu_ns(const struct road *road)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec + road_ksoftirqd_ns(road);
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

	rc = road_enter(road, ROAD_CLIENT, err);
	if (rc)
		return rc;
	road->state->flows = flows;
	received = road->state->received;
	ns = road_cpu_ns(road);
	rc = road_generate(road, packets);
	usleep(1000); /* ksoftirqd may still have some on its hands */
	ret->ns = road_cpu_ns(road) - ns;
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
	rc = road_build(road, err);
	if (!rc)
		rc = road_load(road, build, err);
	if (!rc)
		rc = road_map_state(road, err);
	if (!rc)
		rc = road_point_redirect(road, err);
	if (!rc)
		rc = road_attach_tc(road, err);
	if (!rc)
		rc = road_find_ksoftirqd(road, err);
	if (rc)
		road_close(road);
	else
		*ret = road;
	return rc;
}

void road_close(struct road *road)
{
	if (!road)
		return;
	if (road->state)
		munmap(road->state, sizeof(*road->state));
	bpf_object__close(road->object);
	for (int i = 0; i < ROAD_HOSTS; i++)
		if (road->host[i] > 0)
			close(road->host[i]);
	if (setns(road->home, CLONE_NEWNET) || system(TOPOLOGY " down"))
		fprintf(stderr, "bench: %s down failed\n", TOPOLOGY);
	close(road->home);
	free(road);
}
