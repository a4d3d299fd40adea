// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The splitter, by test-run on private maps: which packets the candidate gets,
 * and that the one that ran before gets all others, whatever happens. Both are
 * the same packet path, told apart by what they count.
 */
#include "split_desk.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
