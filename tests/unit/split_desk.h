/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A splitter between two packet paths, and packets to send through it. */
#ifndef TESTS_UNIT_SPLIT_DESK_H
#define TESTS_UNIT_SPLIT_DESK_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/internal.h"

#define PATIENCE_MS 600000

struct split {
	struct config *config;
	struct model *model;
	struct dataplane *dataplane;
	struct lbd_split_seen before;
};

static const char yaml[] =
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 4, backends: 4, connections-ipv4: 1024, connections-ipv6: 1024,"
	" maglev: 251}\n"
	"services: [{name: a, vip: 192.0.2.1, port: 80, health: {check: none},"
	" backends: [{address: 198.51.100.1}]}]\n";

static const char *split_build(const char *name)
{
	static char path[256];
	const char *build = getenv("BUILD");

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build", name);
	return path;
}

static inline int split_load_path(struct split *split, const char *name)
{
	struct error err = { 0 };
	int fd;

	if (dataplane_load(split->dataplane, split_build(name), split->model,
			   model_features(split->model, &(uint32_t){ 1 }, 1), &fd, &err))
		fail_msg("%s", err.text);
	return fd;
}

static inline int split_open(void **state)
{
	struct split *split = calloc(1, sizeof(*split));
	struct dataplane_options options = { 0 };
	struct error err = { 0 };
	int fd;

	if (config_parse(yaml, strlen(yaml), "test", &split->config, &err) ||
	    model_build(split->config, NULL, NULL, NULL, &split->model, &err))
		fail_msg("%s", err.text);
	options.limits = split->model->limits;
	if (dataplane_open(&options, &split->dataplane, &err) ||
	    dataplane_commit(split->dataplane, split->model, &err))
		fail_msg("%s", err.text);
	fd = split_load_path(split, "bpf/lb.bpf.o");
	assert_int_equal(dataplane_swap(split->dataplane, fd, &err), 0);
	close(fd);
	*state = split;
	return 0;
}

static inline int split_close(void **state)
{
	struct split *split = *state;

	dataplane_close(split->dataplane);
	model_free(split->model);
	config_free(split->config);
	free(split);
	return 0;
}

static inline void split_seen_now(const struct split *split, struct lbd_split_seen *ret)
{
	assert_int_equal(counters_split(split->dataplane, ret), 0);
}

static inline void split_begin(struct split *split, struct dataplane_split_plan plan)
{
	struct error err = { 0 };
	char object[256];

	snprintf(object, sizeof(object), "%s", split_build("bpf/split.bpf.o"));
	plan.object = object;
	plan.candidate = split_load_path(split, "bpf/lb.bpf.o");
	if (!plan.patience_ms)
		plan.patience_ms = PATIENCE_MS;
	if (dataplane_split_begin(split->dataplane, &plan, &err))
		fail_msg("%s", err.text);
	close(plan.candidate);
	split_seen_now(split, &split->before);
}

/* --- packets */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	__be16 ports[2];
	uint8_t rest[16];
} __attribute__((packed));

static inline struct frame flow(uint32_t n)
{
	struct frame frame = {
		.eth = { .h_dest = { 2, 0, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.tot_len = htons(40),
			.saddr = htonl(0xcb007100 | (n >> 14 & 0xff)),
			.daddr = htonl(0xc0000201) },
		.ports = { htons((uint16_t)(1024 + (n & 0x3fff))), htons(80) },
	};

	return frame;
}

/* Through the splitter itself: what stands in slot RUNNING. */
static inline void split_send(const struct split *split, const void *frame, uint32_t size)
{
	int fd = generation_fd_in(split->dataplane, MAP_lbd_generations, LBD_GENERATION_RUNNING);
	char out[256];
	uint32_t out_size = sizeof(out);

	assert_true(fd >= 0);
	assert_true(dataplane_test_run(split->dataplane, fd, 0, frame, size, out, &out_size) >= 0);
	close(fd);
}

/* Where one packet goes. */
static inline enum lbd_split_slot side_of(const struct split *split, const void *frame,
					  uint32_t size)
{
	struct lbd_split_seen before, after;

	split_seen_now(split, &before);
	split_send(split, frame, size);
	split_seen_now(split, &after);
	assert_int_equal(after.packets[0] + after.packets[1],
			 before.packets[0] + before.packets[1] + 1);
	return after.packets[LBD_SPLIT_CANDIDATE] > before.packets[LBD_SPLIT_CANDIDATE]
		       ? LBD_SPLIT_CANDIDATE
		       : LBD_SPLIT_STABLE;
}

static inline enum lbd_split_slot side_of_flow(const struct split *split, uint32_t n)
{
	const struct frame frame = flow(n);

	return side_of(split, &frame, sizeof(frame));
}

#define FLOWS 4000

static inline uint32_t candidates_of(const struct split *split, uint32_t count)
{
	uint32_t got = 0;

	for (uint32_t n = 0; n < count; n++)
		got += side_of_flow(split, n) == LBD_SPLIT_CANDIDATE;
	return got;
}

#define SPLIT_TEST(function) cmocka_unit_test_setup_teardown(function, split_open, split_close)

#endif
