// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The splitter, by test-run on private maps: which packets the candidate gets,
 * and that the one that ran before gets all others, whatever happens. Both are
 * the same packet path, told apart by what they count.
 */
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

static int split_load_path(struct split *split, const char *name)
{
	struct error err = { 0 };
	int fd;

	if (dataplane_load(split->dataplane, split_build(name), split->model,
			   model_features(split->model, &(uint32_t){ 1 }, 1), &fd, &err))
		fail_msg("%s", err.text);
	return fd;
}

static int split_open(void **state)
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

static int split_close(void **state)
{
	struct split *split = *state;

	dataplane_close(split->dataplane);
	model_free(split->model);
	config_free(split->config);
	free(split);
	return 0;
}

static void split_seen_now(const struct split *split, struct lbd_split_seen *ret)
{
	assert_int_equal(counters_split(split->dataplane, ret), 0);
}

static void split_begin(struct split *split, struct dataplane_split_plan plan)
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

static struct frame flow(uint32_t n)
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
static void split_send(const struct split *split, const void *frame, uint32_t size)
{
	int fd = generation_fd_in(split->dataplane, MAP_lbd_generations, LBD_GENERATION_RUNNING);
	char out[256];
	uint32_t out_size = sizeof(out);

	assert_true(fd >= 0);
	assert_true(dataplane_test_run(split->dataplane, fd, 0, frame, size, out, &out_size) >= 0);
	close(fd);
}

/* Where one packet goes. */
static enum lbd_split_slot side_of(const struct split *split, const void *frame, uint32_t size)
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

static enum lbd_split_slot side_of_flow(const struct split *split, uint32_t n)
{
	const struct frame frame = flow(n);

	return side_of(split, &frame, sizeof(frame));
}

#define FLOWS 4000

static uint32_t candidates_of(const struct split *split, uint32_t count)
{
	uint32_t got = 0;

	for (uint32_t n = 0; n < count; n++)
		got += side_of_flow(split, n) == LBD_SPLIT_CANDIDATE;
	return got;
}

/* --- tests */

static void a_share_of_the_flows_goes_to_the_candidate(void **state)
{
	static const uint32_t shares[] = { 1, 500, 5000, 9000 };
	struct split *split = *state;

	split_begin(split, (struct dataplane_split_plan){ .share = 500 });
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		const double expected = FLOWS * shares[i] / 10000.0;
		double got, off;

		dataplane_split_share(split->dataplane, shares[i]);
		got = candidates_of(split, FLOWS);
		off = got - expected;
		/* Five standard deviations, and a little for the smallest. */
		if (off * off > 25 * expected + 4)
			fail_msg("share %u: %g flows, expected about %g", shares[i], got, expected);
	}
}

static void a_flow_stays_on_its_side_whichever_way_it_goes(void **state)
{
	struct split *split = *state;

	split_begin(split, (struct dataplane_split_plan){ .share = 5000 });
	for (uint32_t n = 0; n < 200; n++) {
		const enum lbd_split_slot side = side_of_flow(split, n);
		struct frame back = flow(n);

		assert_int_equal(side_of_flow(split, n), side);
		back.ip.saddr = flow(n).ip.daddr;
		back.ip.daddr = flow(n).ip.saddr;
		back.ports[0] = flow(n).ports[1];
		back.ports[1] = flow(n).ports[0];
		assert_int_equal(side_of(split, &back, sizeof(back)), side);
	}
}

/* A larger share takes flows from the old one, and gives none back. */
static void a_growing_share_only_takes(void **state)
{
	struct split *split = *state;

	split_begin(split, (struct dataplane_split_plan){ .share = 3000 });
	for (uint32_t n = 0; n < 200; n++) {
		enum lbd_split_slot before;

		dataplane_split_share(split->dataplane, 3000);
		before = side_of_flow(split, n);
		dataplane_split_share(split->dataplane, 6000);
		if (before == LBD_SPLIT_CANDIDATE)
			assert_int_equal(side_of_flow(split, n), LBD_SPLIT_CANDIDATE);
	}
}

/* Of half the flows the other half; of a fifth none that it had, also when the slice wraps. */
static void a_shifted_share_has_other_flows(void **state)
{
	struct split *split = *state;
	enum lbd_split_slot before[200];

	split_begin(split, (struct dataplane_split_plan){ .share = 5000 });
	for (uint32_t n = 0; n < 200; n++)
		before[n] = side_of_flow(split, n);
	dataplane_split_shift(split->dataplane);
	for (uint32_t n = 0; n < 200; n++)
		assert_int_not_equal(side_of_flow(split, n), before[n]);
	dataplane_split_share(split->dataplane, 2000);
	for (int round = 0; round < 6; round++) {
		for (uint32_t n = 0; n < 200; n++)
			before[n] = side_of_flow(split, n);
		dataplane_split_shift(split->dataplane);
		for (uint32_t n = 0; n < 200; n++)
			if (before[n] == LBD_SPLIT_CANDIDATE)
				assert_int_equal(side_of_flow(split, n), LBD_SPLIT_STABLE);
	}
}

static void tags_and_options_change_nothing(void **state)
{
	struct split *split = *state;

	split_begin(split, (struct dataplane_split_plan){ .share = 5000 });
	for (uint32_t n = 0; n < 100; n++) {
		const enum lbd_split_slot side = side_of_flow(split, n);
		const struct frame plain = flow(n);
		struct frame options = plain;
		uint8_t tagged[sizeof(plain) + 4];

		memcpy(tagged, &plain, 12);
		memcpy(tagged + 12, (uint8_t[]){ 0x81, 0, 0, 7 }, 4);
		memcpy(tagged + 16, &plain.eth.h_proto, sizeof(plain) - 12);
		assert_int_equal(side_of(split, tagged, sizeof(tagged)), side);
		options.ip.ihl = 6;
		memcpy(options.rest, plain.ports, sizeof(plain.ports));
		memset(options.ports, 1, sizeof(options.ports));
		assert_int_equal(side_of(split, &options, sizeof(options)), side);
	}
}

/* All but a whole share, which needs no look. */
static void what_shows_no_ports_stays_with_the_old_one(void **state)
{
	struct split *split = *state;
	struct frame frames[5];

	split_begin(split, (struct dataplane_split_plan){ .share = 9999 });
	for (uint32_t n = 0; n < 50; n++) {
		for (int i = 0; i < 5; i++)
			frames[i] = flow(n);
		frames[0].ip.frag_off = htons(0x2000);
		frames[1].ip.frag_off = htons(100);
		frames[2].ip.protocol = IPPROTO_ICMP;
		frames[3].eth.h_proto = htons(ETH_P_ARP);
		frames[4].eth.h_proto = htons(ETH_P_IPV6);
		memset(&frames[4].ip, 0, sizeof(frames[4]) - sizeof(frames[4].eth));
		((uint8_t *)&frames[4].ip)[0] = 0x60;
		((uint8_t *)&frames[4].ip)[6] = IPPROTO_FRAGMENT;
		for (int i = 0; i < 5; i++)
			assert_int_equal(side_of(split, &frames[i], sizeof(frames[i])),
					 LBD_SPLIT_STABLE);
	}
	/* Cut off before the ports. */
	assert_int_equal(side_of(split, &frames[0], 14 + 20 + 2), LBD_SPLIT_STABLE);
	dataplane_split_share(split->dataplane, LBD_SPLIT_WHOLE);
	for (int i = 0; i < 5; i++)
		assert_int_equal(side_of(split, &frames[i], sizeof(frames[i])),
				 LBD_SPLIT_CANDIDATE);
}

static void only_the_services_that_are_named_are_split(void **state)
{
	struct split *split = *state;
	struct dataplane_split_plan plan = { .share = LBD_SPLIT_WHOLE, .services_count = 2 };
	struct frame frame = flow(1);

	plan.services[0] = (struct lbd_split_service){
		.vip = lbd_addr_from4(htonl(0xc0000201)),
		.port = htons(80),
		.port_mask = 0xffff,
		.protocol = IPPROTO_TCP,
	};
	plan.services[1] = (struct lbd_split_service){
		.vip = lbd_addr_from4(htonl(0xc0000202)),
		.protocol = IPPROTO_UDP,
	};
	split_begin(split, plan);
	assert_int_equal(side_of(split, &frame, sizeof(frame)), LBD_SPLIT_CANDIDATE);
	frame.ports[1] = htons(81);
	assert_int_equal(side_of(split, &frame, sizeof(frame)), LBD_SPLIT_STABLE);
	frame.ip.protocol = IPPROTO_UDP;
	assert_int_equal(side_of(split, &frame, sizeof(frame)), LBD_SPLIT_STABLE);
	frame.ip.daddr = htonl(0xc0000202);
	assert_int_equal(side_of(split, &frame, sizeof(frame)), LBD_SPLIT_CANDIDATE);
	frame.ip.daddr = htonl(0xc0000203);
	assert_int_equal(side_of(split, &frame, sizeof(frame)), LBD_SPLIT_STABLE);
}

static void past_its_deadline_all_is_the_old_ones(void **state)
{
	struct split *split = *state;
	struct dataplane_split status;
	struct lbd_split_seen seen;

	split_begin(split,
		    (struct dataplane_split_plan){ .share = LBD_SPLIT_WHOLE, .patience_ms = 300 });
	assert_int_equal(side_of_flow(split, 1), LBD_SPLIT_CANDIDATE);
	usleep(400000);
	assert_int_equal(side_of_flow(split, 1), LBD_SPLIT_STABLE);
	split_seen_now(split, &seen);
	assert_int_equal(seen.late, 1);
	assert_true(dataplane_split(split->dataplane, &status));
	assert_true(status.late);
	dataplane_split_renew(split->dataplane, PATIENCE_MS);
	assert_int_equal(side_of_flow(split, 1), LBD_SPLIT_CANDIDATE);
}

static uint64_t no_generation(const struct split *split)
{
	uint64_t outcomes[LBD_OUTCOME_MAX];

	assert_int_equal(dataplane_outcomes(split->dataplane, outcomes), 0);
	return outcomes[LBD_OUTCOME_PASS_NO_GENERATION];
}

static void an_empty_slot_is_the_other_ones_packet(void **state)
{
	struct split *split = *state;
	__u32 side = LBD_SPLIT_CANDIDATE;
	const struct frame frame = flow(1);

	split_begin(split, (struct dataplane_split_plan){ .share = LBD_SPLIT_WHOLE });
	assert_int_equal(bpf_map_delete_elem(split->dataplane->fd[MAP_lbd_split], &side), 0);
	assert_int_equal(side_of_flow(split, 1), LBD_SPLIT_STABLE);
	assert_int_equal(no_generation(split), 0);
	side = LBD_SPLIT_STABLE;
	assert_int_equal(bpf_map_delete_elem(split->dataplane->fd[MAP_lbd_split], &side), 0);
	split_send(split, &frame, sizeof(frame));
	assert_int_equal(no_generation(split), 1);
}

/* Which also proves that none gets lost between the splitter and what counts. */
static void each_side_counts_what_it_was_handed(void **state)
{
	struct split *split = *state;
	struct dataplane_split_counts counts;
	uint64_t all[LBD_OUTCOME_MAX];

	split_send(split, &(struct frame){ 0 }, sizeof(struct frame));
	split_begin(split, (struct dataplane_split_plan){ .share = 5000 });
	candidates_of(split, 200);
	assert_int_equal(dataplane_split_counts(split->dataplane, false, &counts), 0);
	assert_int_equal(dataplane_outcomes(split->dataplane, all), 0);
	for (int side = 0; side < LBD_SPLIT_SLOTS; side++) {
		uint64_t sum = 0;

		for (int i = 0; i < LBD_OUTCOME_MAX; i++)
			sum += counts.outcomes[side][i];
		/* The one that ran before had a packet without the splitter. */
		assert_int_equal(sum, counts.seen.packets[side] + (side == LBD_SPLIT_STABLE));
		assert_true(sum > 50);
	}
	for (int i = 0; i < LBD_OUTCOME_MAX; i++)
		assert_int_equal(all[i], counts.outcomes[0][i] + counts.outcomes[1][i]);
}

/* To the service by its port; what no service has is nobody's. */
static void each_service_counts_what_it_was_handed(void **state)
{
	const struct lbd_split_key watched[] = {
		{ lbd_addr_from4(htonl(0xc0000201)), htons(80), IPPROTO_TCP, { 0 } },
		{ lbd_addr_from4(htonl(0xc0000202)), 0, IPPROTO_TCP, { 0 } },
	};
	const struct dataplane_split_plan plan = { .share = 5000,
						   .watched = watched,
						   .watched_count = 2 };
	struct split *split = *state;
	struct lbd_split_handed handed[2];
	struct lbd_split_seen seen;
	uint64_t stable;

	split_begin(split, plan);
	candidates_of(split, 200);
	split_seen_now(split, &seen);
	assert_int_equal(dataplane_split_handed(split->dataplane, watched, 2, handed), 0);
	for (int side = 0; side < LBD_SPLIT_SLOTS; side++) {
		assert_int_equal(handed[0].packets[side],
				 seen.packets[side] - split->before.packets[side]);
		assert_int_equal(handed[1].packets[side], 0);
	}
	stable = handed[0].packets[LBD_SPLIT_STABLE];
	for (uint32_t n = 0; n < 20; n++) {
		struct frame frame = flow(n);

		frame.ports[1] = htons(81);
		split_send(split, &frame, sizeof(frame));
		frame.ip.daddr = htonl(0xc0000202);
		split_send(split, &frame, sizeof(frame));
		frame.ip.protocol = IPPROTO_ICMP;
		split_send(split, &frame, sizeof(frame));
	}
	assert_int_equal(dataplane_split_handed(split->dataplane, watched, 2, handed), 0);
	assert_int_equal(handed[0].packets[LBD_SPLIT_STABLE], stable);
	assert_int_equal(handed[1].packets[0] + handed[1].packets[1], 20);
}

/* With a whole share as well, which needs no look to tell the side. */
static void a_swap_counts_services_too(void **state)
{
	const struct lbd_split_key watched = {
		lbd_addr_from4(htonl(0xc0000201)), htons(80), IPPROTO_TCP, { 0 }
	};
	const struct dataplane_split_plan plan = {
		.share = LBD_SPLIT_WHOLE, .swapped = true, .watched = &watched, .watched_count = 1
	};
	struct split *split = *state;
	struct lbd_split_handed handed;

	assert_int_equal(dataplane_split_handed(split->dataplane, &watched, 1, &handed), -ENOENT);
	split_begin(split, plan);
	assert_int_equal(candidates_of(split, 50), 50);
	assert_int_equal(dataplane_split_handed(split->dataplane, &watched, 1, &handed), 0);
	assert_int_equal(handed.packets[LBD_SPLIT_CANDIDATE], 50);
	assert_int_equal(handed.packets[LBD_SPLIT_STABLE], 0);
}

/* Whatever a backend got is told by side, and in all. */
static void each_side_counts_what_backends_got(void **state)
{
	struct dataplane_split_backend backends[4];
	struct split *split = *state;
	struct lbd_traffic all[4];
	uint64_t *places = NULL;
	int cpus = libbpf_num_possible_cpus();

	split_begin(split, (struct dataplane_split_plan){ .share = 5000 });
	places = calloc((size_t)cpus, sizeof(struct lbd_traffic));
	for (int side = 0; side < LBD_SPLIT_SLOTS; side++) {
		const int map = counters_side_set(split->dataplane, (enum lbd_split_slot)side,
						  COUNTERS_BACKENDS);
		const __u32 index = 1;

		assert_true(map >= 0);
		places[0] = 10 + (uint64_t)side;
		assert_int_equal(
			bpf_map_update_elem(split->dataplane->fd[map], &index, places, BPF_ANY), 0);
	}
	free(places);
	assert_int_equal(dataplane_split_backends(split->dataplane, backends), 0);
	assert_int_equal(backends[1].service, 1);
	assert_int_equal(backends[1].packets[LBD_SPLIT_STABLE], 10);
	assert_int_equal(backends[1].packets[LBD_SPLIT_CANDIDATE], 11);
	assert_int_equal(backends[2].service, 0);
	assert_int_equal(dataplane_backend_traffic(split->dataplane, all), 0);
	assert_int_equal(all[1].packets, 21);
}

static uint32_t prog_id(const struct split *split, enum lbd_generation_slot slot)
{
	struct dataplane_generation generation;

	assert_int_equal(dataplane_generation(split->dataplane, slot, &generation), 0);
	return generation.prog_id;
}

static uint32_t candidate_id(const struct split *split)
{
	struct dataplane_split status;

	assert_true(dataplane_split(split->dataplane, &status));
	return status.candidate.prog_id;
}

static void slots_mean_what_an_operator_means(void **state)
{
	struct split *split = *state;
	const uint32_t stable = prog_id(split, LBD_GENERATION_RUNNING);
	struct error err = { 0 };
	uint32_t candidate;

	/* A canary of a share is only an attempt. */
	split_begin(split, (struct dataplane_split_plan){ .share = 500 });
	assert_int_equal(prog_id(split, LBD_GENERATION_RUNNING), stable);
	assert_int_equal(prog_id(split, LBD_GENERATION_PREVIOUS), 0);
	assert_int_equal(dataplane_swap(split->dataplane, 0, &err), -EBUSY);
	assert_int_equal(dataplane_refit(split->dataplane, 0, &err), -EBUSY);
	assert_int_equal(dataplane_rollback(split->dataplane, &err), -ENOENT);
	assert_int_equal(dataplane_split_abort(split->dataplane, false, &err), 0);
	assert_int_equal(prog_id(split, LBD_GENERATION_RUNNING), stable);
	assert_int_equal(dataplane_split_abort(split->dataplane, false, &err), -ENOENT);

	/* A watched swap counts as done. */
	split_begin(split,
		    (struct dataplane_split_plan){ .share = LBD_SPLIT_WHOLE, .swapped = true });
	candidate = candidate_id(split);
	assert_int_equal(prog_id(split, LBD_GENERATION_RUNNING), candidate);
	assert_int_equal(prog_id(split, LBD_GENERATION_PREVIOUS), stable);
	assert_int_equal(dataplane_split_promote(split->dataplane, &err), 0);
	assert_int_equal(prog_id(split, LBD_GENERATION_RUNNING), candidate);
	assert_int_equal(prog_id(split, LBD_GENERATION_PREVIOUS), stable);
	assert_false(split_stands(split->dataplane));

	/* And the way back keeps it as the previous one, when an operator asks for it. */
	split_begin(split,
		    (struct dataplane_split_plan){ .share = LBD_SPLIT_WHOLE, .swapped = true });
	assert_int_equal(prog_id(split, LBD_GENERATION_PREVIOUS), candidate);
	assert_int_equal(dataplane_split_abort(split->dataplane, true, &err), 0);
	assert_int_equal(prog_id(split, LBD_GENERATION_RUNNING), candidate);
	assert_int_not_equal(prog_id(split, LBD_GENERATION_PREVIOUS), stable);
}

static void banks_of_both_sides_are_in_use(void **state)
{
	struct split *split = *state;
	struct error err = { 0 };

	for (int round = 0; round < 3; round++) {
		int extra;

		split_begin(split, (struct dataplane_split_plan){ .share = LBD_SPLIT_WHOLE,
								  .swapped = true });
		/* Running, previous, candidate: a trace still finds the fourth. */
		extra = split_load_path(split, "bpf/lb.bpf.o");
		close(extra);
		assert_int_equal(dataplane_split_promote(split->dataplane, &err), 0);
	}
}

/* --- objects of other versions */

/* The configuration grows at its end: equal ABI is enough. */
static void shorter_and_longer_configurations_load_and_fit(void **state)
{
	static const char *const names[] = { "config_shorter", "config_longer" };
	struct split *split = *state;
	const uint32_t features = model_features(split->model, &(uint32_t){ 1 }, 1);
	const struct frame frame = flow(1);
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char object[64], out[256];
		uint32_t size = sizeof(out);
		int fd;

		snprintf(object, sizeof(object), "tests/unit/%s.bpf.o", names[i]);
		fd = split_load_path(split, object);
		assert_int_equal(dataplane_test_run(split->dataplane, fd, 0, &frame, sizeof(frame),
						    out, &size),
				 XDP_PASS);
		assert_int_equal(dataplane_swap(split->dataplane, fd, &err), 0);
		close(fd);
		assert_true(dataplane_fits(split->dataplane, LBD_GENERATION_RUNNING, split->model,
					   features));
		assert_false(dataplane_fits(split->dataplane, LBD_GENERATION_RUNNING, split->model,
					    features ^ LBD_FEATURE_VLAN));
	}
}

static void a_stub_of_a_configuration_is_refused(void **state)
{
	struct split *split = *state;
	struct error err = { 0 };
	int fd;

	assert_int_equal(dataplane_load(split->dataplane,
					split_build("tests/unit/config_stub.bpf.o"), split->model,
					0, &fd, &err),
			 -EPROTO);
	assert_non_null(strstr(err.text, "16 bytes of configuration"));
}

#define SPLIT_TEST(function) cmocka_unit_test_setup_teardown(function, split_open, split_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT_TEST(a_share_of_the_flows_goes_to_the_candidate),
		SPLIT_TEST(a_flow_stays_on_its_side_whichever_way_it_goes),
		SPLIT_TEST(a_growing_share_only_takes),
		SPLIT_TEST(a_shifted_share_has_other_flows),
		SPLIT_TEST(tags_and_options_change_nothing),
		SPLIT_TEST(what_shows_no_ports_stays_with_the_old_one),
		SPLIT_TEST(only_the_services_that_are_named_are_split),
		SPLIT_TEST(past_its_deadline_all_is_the_old_ones),
		SPLIT_TEST(an_empty_slot_is_the_other_ones_packet),
		SPLIT_TEST(each_side_counts_what_it_was_handed),
		SPLIT_TEST(each_service_counts_what_it_was_handed),
		SPLIT_TEST(a_swap_counts_services_too),
		SPLIT_TEST(each_side_counts_what_backends_got),
		SPLIT_TEST(slots_mean_what_an_operator_means),
		SPLIT_TEST(banks_of_both_sides_are_in_use),
		SPLIT_TEST(shorter_and_longer_configurations_load_and_fit),
		SPLIT_TEST(a_stub_of_a_configuration_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
