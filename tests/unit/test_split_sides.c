// SPDX-License-Identifier: GPL-2.0-or-later
/* What each side of a split counts, what slots mean meanwhile, and objects of other versions. */
#include "split_desk.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
