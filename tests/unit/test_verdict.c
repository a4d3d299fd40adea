// SPDX-License-Identifier: GPL-2.0-or-later
/* Old and new packet path compared: what counts as worse, and what doesn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "upgrade/watch.h"

static struct verdict_counts counts(uint64_t packets, enum verdict_rate rate, uint64_t bad)
{
	struct verdict_counts ret = { .packets = packets };

	ret.bad[rate] = bad;
	return ret;
}

static enum verdict judge(uint64_t old, uint64_t old_bad, uint64_t new, uint64_t new_bad)
{
	const struct verdict_counts was = counts(old, VERDICT_DROPS, old_bad);
	const struct verdict_counts is = counts(new, VERDICT_DROPS, new_bad);

	return verdict_judge(&was, &is, 1).verdict;
}

/* --- a comparison */

static void without_traffic_nothing_is_said(void **state)
{
	(void)state;
	assert_int_equal(judge(0, 0, 0, 0), VERDICT_UNSURE);
	assert_int_equal(judge(1000000, 0, 0, 0), VERDICT_UNSURE);
	assert_int_equal(judge(0, 0, 1000000, 1000000), VERDICT_UNSURE);
}

static void few_packets_say_nothing(void **state)
{
	(void)state;
	assert_int_equal(judge(199, 0, 199, 199), VERDICT_UNSURE);
	assert_int_equal(judge(199, 0, 100000, 50000), VERDICT_UNSURE);
	assert_int_equal(judge(200, 0, 200, 200), VERDICT_WORSE);
	assert_int_equal(judge(200, 0, 200, 19), VERDICT_ALIKE);
}

static void what_fares_alike_is_alike(void **state)
{
	(void)state;
	assert_int_equal(judge(10000, 0, 10000, 0), VERDICT_ALIKE);
	assert_int_equal(judge(10000, 500, 10000, 500), VERDICT_ALIKE);
	assert_int_equal(judge(10000, 10000, 10000, 10000), VERDICT_ALIKE);
	/* A share of 5 %, with as many drops in proportion. */
	assert_int_equal(judge(950000, 9500, 50000, 520), VERDICT_ALIKE);
}

static void better_is_not_worse(void **state)
{
	(void)state;
	assert_int_equal(judge(10000, 5000, 10000, 0), VERDICT_ALIKE);
	assert_int_equal(judge(10000, 10000, 10000, 0), VERDICT_ALIKE);
}

static void chance_is_not_worse(void **state)
{
	(void)state;
	/* 3 % against 4.5 % of a thousand: z = 1.8. */
	assert_int_equal(judge(1000, 30, 1000, 45), VERDICT_ALIKE);
	/* The same of a hundred thousand is no chance. */
	assert_int_equal(judge(100000, 3000, 100000, 4500), VERDICT_WORSE);
}

static void a_sure_but_tiny_difference_does_not_matter(void **state)
{
	(void)state;
	/* 0.1 % and 0.3 % of ten million: z is large, the floor isn't reached. */
	assert_int_equal(judge(10000000, 10000, 10000000, 30000), VERDICT_ALIKE);
	assert_int_equal(judge(10000000, 10000, 10000000, 70000), VERDICT_WORSE);
}

static void a_tenth_of_one_service_in_ten_is_found(void **state)
{
	(void)state;
	assert_int_equal(judge(50000, 5, 50000, 500), VERDICT_WORSE);
}

static void each_rate_has_its_floor(void **state)
{
	const struct verdict_counts none = { .packets = 1000000 };
	struct verdict_counts some;

	(void)state;
	some = counts(1000000, VERDICT_UNACCOUNTED, 2100);
	assert_int_equal(verdict_judge(&none, &some, 1).verdict, VERDICT_WORSE);
	some = counts(1000000, VERDICT_PASSES, 2100);
	assert_int_equal(verdict_judge(&none, &some, 1).verdict, VERDICT_ALIKE);
	some = counts(1000000, VERDICT_MISSES, 20000);
	assert_int_equal(verdict_judge(&none, &some, 1).verdict, VERDICT_ALIKE);
	some = counts(1000000, VERDICT_MISSES, 40000);
	assert_int_equal(verdict_judge(&none, &some, 1).verdict, VERDICT_WORSE);
}

static void the_worst_is_named_and_all_harm_counted(void **state)
{
	const struct verdict_counts old = { .packets = 10000, .bad = { [VERDICT_DROPS] = 100 } };
	const struct verdict_counts new = {
		.packets = 10000, .bad = { [VERDICT_DROPS] = 600, [VERDICT_UNACCOUNTED] = 3000 }
	};
	struct verdict_finding found = verdict_judge(&old, &new, 1);
	char text[VERDICT_TEXT_MAX];

	(void)state;
	assert_int_equal(found.verdict, VERDICT_WORSE);
	assert_int_equal(found.rate, VERDICT_UNACCOUNTED);
	assert_int_equal(found.harmed, 3500);
	assert_string_equal(verdict_format(&found, &new, text),
			    "3000 of 10000 packets (30.00 %) without an outcome, and 0.00 % of "
			    "the old one's");
}

/* --- outcomes to rates */

static void outcomes_are_sorted_into_rates(void **state)
{
	uint64_t outcomes[LBD_OUTCOME_MAX] = {
		[LBD_OUTCOME_FORWARD_KNOWN] = 100, [LBD_OUTCOME_FORWARD_FIRST] = 7,
		[LBD_OUTCOME_DROP_NO_BACKEND] = 3, [LBD_OUTCOME_DROP_NO_ROUTE] = 2,
		[LBD_OUTCOME_DROP_HEADROOM] = 1,   [LBD_OUTCOME_PASS_NO_SERVICE] = 5,
		[LBD_OUTCOME_DROP_FRAGMENT] = 50,  [LBD_OUTCOME_PASS_NOT_IP] = 60,
		[LBD_OUTCOME_COUNT] = 4, /* a newer path's */
	};
	struct verdict_counts flows, all;

	(void)state;
	verdict_count(outcomes, 130, true, &flows);
	assert_int_equal(flows.bad[VERDICT_MISSES], 7);
	assert_int_equal(flows.bad[VERDICT_NO_BACKEND], 3);
	assert_int_equal(flows.bad[VERDICT_UNROUTED], 2);
	assert_int_equal(flows.bad[VERDICT_DROPS], 1);
	assert_int_equal(flows.bad[VERDICT_PASSES], 5);
	assert_int_equal(flows.bad[VERDICT_UNACCOUNTED], 130 - 122);
	verdict_count(outcomes, 232, false, &all);
	assert_int_equal(all.bad[VERDICT_DROPS], 51);
	assert_int_equal(all.bad[VERDICT_PASSES], 65);
	assert_int_equal(all.bad[VERDICT_UNACCOUNTED], 0);
	verdict_count(outcomes, 0, false, &all);
	assert_int_equal(all.bad[VERDICT_UNACCOUNTED], 0);
}

/* --- rounds */

#define OLD(bad) counts(100000, VERDICT_DROPS, bad)

static enum watch_step look(struct watch *watch, struct verdict_counts old,
			    struct verdict_counts new)
{
	static struct watch_sides saved[1];
	struct watch_sides sides = { old, new };

	watch->count = 1;
	watch->saved = saved;
	return watch_look(watch, &sides);
}

static void a_canary_goes_back_after_two_rounds(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	assert_int_equal(look(&watch, OLD(0), OLD(0)), WATCH_GO_ON);
	assert_int_equal(look(&watch, OLD(0), OLD(10000)), WATCH_CROSS);
	assert_int_equal(look(&watch, OLD(0), counts(10, VERDICT_DROPS, 10)), WATCH_GO_ON);
	assert_int_equal(look(&watch, OLD(0), OLD(10000)), WATCH_BACK);
	assert_int_equal(watch.harmed, 20000);
}

/* What fared ill is the old one's in the second round. */
static void a_flow_that_is_ill_by_itself_is_no_reason(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	assert_int_equal(look(&watch, OLD(0), OLD(10000)), WATCH_CROSS);
	assert_true(watch.doubted);
	assert_int_equal(look(&watch, OLD(10000), OLD(0)), WATCH_ROUND);
	assert_false(watch.doubted);
	assert_int_equal(watch.harmed, 0);
	assert_int_equal(watch.mode, WATCH_BESIDE);
}

static void a_doubt_about_all_packets_may_last(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	assert_int_equal(look(&watch, OLD(0), OLD(10000)), WATCH_CROSS);
	assert_false(watch_decides_soon(&watch));
	for (int i = 0; i < 2 * WATCH_SILENCE; i++)
		assert_int_equal(look(&watch, OLD(0), counts(10, VERDICT_DROPS, 1)), WATCH_GO_ON);
}

static void a_flow_that_only_the_new_one_harms_is_one(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	assert_int_equal(look(&watch, OLD(0), OLD(10000)), WATCH_CROSS);
	assert_int_equal(look(&watch, OLD(0), OLD(0)), WATCH_BACK);
	assert_int_equal(watch.harmed, 10000);
}

static void a_flood_that_begins_with_a_swap_is_no_reason(void **state)
{
	struct watch watch = { .before = OLD(0) };

	(void)state;
	/* Both halves of what comes now are alike. */
	assert_int_equal(look(&watch, counts(0, 0, 0), OLD(40000)), WATCH_SHARE);
	assert_int_equal(watch.mode, WATCH_BESIDE);
	for (int i = 1; i < WATCH_LOOKS; i++)
		assert_int_equal(look(&watch, OLD(40000), OLD(40100)), WATCH_GO_ON);
	assert_int_equal(look(&watch, OLD(40000), OLD(40100)), WATCH_ROUND);
	assert_false(watch.doubted);
	/* And the old one keeps its half. */
	assert_int_equal(watch.mode, WATCH_BESIDE);
}

static void a_bad_swap_during_a_flood_goes_back(void **state)
{
	struct watch watch = { .before = OLD(0) };

	(void)state;
	assert_int_equal(look(&watch, counts(0, 0, 0), OLD(50000)), WATCH_SHARE);
	assert_int_equal(look(&watch, OLD(40000), OLD(50000)), WATCH_CROSS);
	assert_int_equal(look(&watch, OLD(40000), OLD(50000)), WATCH_BACK);
	assert_int_equal(watch.harmed, 50000 + 20000);
}

/* All that isn't in a round's 20 looks is forgotten. */
static void a_flaw_that_shows_late_is_found(void **state)
{
	struct watch watch = { .before = OLD(0) };

	(void)state;
	for (int round = 0; round < 10; round++)
		for (int i = 1; i <= WATCH_LOOKS; i++)
			assert_int_equal(look(&watch, counts(0, 0, 0), OLD(0)),
					 i < WATCH_LOOKS ? WATCH_GO_ON : WATCH_ROUND);
	assert_int_equal(look(&watch, counts(0, 0, 0), OLD(1000)), WATCH_SHARE);
}

static void without_packets_rounds_go_on_and_nothing_is_compared(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	for (int i = 0; i < 5 * WATCH_LOOKS; i++)
		assert_int_equal(look(&watch, OLD(0), counts(3, VERDICT_DROPS, 3)), WATCH_GO_ON);
	assert_false(watch.compared || watch.doubted);
}

/* --- services */

#define SERVICES 3

/* All packets are alike; service 2 loses @old_lost and @new_lost of @packets. */
static enum watch_step look_at_service(struct watch *watch, uint64_t packets, uint64_t old_lost,
				       uint64_t new_lost)
{
	static struct watch_sides saved[SERVICES];
	struct watch_sides sides[SERVICES] = {
		{ OLD(10), OLD(10) },
		{ counts(90000, VERDICT_LOST, 0), counts(90000, VERDICT_LOST, 0) },
		{ counts(packets, VERDICT_LOST, old_lost),
		  counts(packets, VERDICT_LOST, new_lost) },
	};

	watch->count = SERVICES;
	watch->saved = saved;
	return watch_look(watch, sides);
}

static void a_small_service_that_is_harmed_goes_back_with_its_name(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	assert_int_equal(look_at_service(&watch, 150, 0, 15), WATCH_GO_ON);
	assert_int_equal(look_at_service(&watch, 1000, 0, 100), WATCH_CROSS);
	assert_int_equal(watch.subject, 2);
	assert_int_equal(look_at_service(&watch, 500, 0, 50), WATCH_GO_ON);
	assert_int_equal(look_at_service(&watch, 1000, 0, 100), WATCH_BACK);
	assert_int_equal(watch.subject, 2);
	assert_int_equal(watch.finding.rate, VERDICT_LOST);
	assert_int_equal(watch.harmed, 200);
}

/* The same service may have lost as much before: it is only looked at closer. */
static void a_service_that_loses_after_a_swap_is_first_compared(void **state)
{
	struct watch watch = { .before = OLD(10) };

	(void)state;
	assert_int_equal(look_at_service(&watch, 1000, 0, 100), WATCH_SHARE);
	assert_false(watch.doubted);
	for (int i = 1; i < WATCH_LOOKS; i++)
		assert_int_equal(look_at_service(&watch, 1000, 100, 105), WATCH_GO_ON);
	assert_int_equal(look_at_service(&watch, 1000, 100, 105), WATCH_ROUND);
	assert_false(watch.doubted);
	assert_int_equal(watch.harmed, 0);
	assert_int_equal(look_at_service(&watch, 1000, 0, 100), WATCH_CROSS);
}

static void a_service_that_falls_silent_is_not_waited_for(void **state)
{
	struct watch watch = { .mode = WATCH_BESIDE };

	(void)state;
	assert_false(watch_decides_soon(&watch));
	assert_int_equal(look_at_service(&watch, 1000, 0, 100), WATCH_CROSS);
	assert_true(watch_decides_soon(&watch));
	for (int i = 1; i < WATCH_SILENCE; i++)
		assert_int_equal(look_at_service(&watch, 3, 0, 1), WATCH_GO_ON);
	assert_int_equal(look_at_service(&watch, 3, 0, 1), WATCH_ROUND);
	assert_false(watch.doubted);
}

static void the_more_services_the_surer_each_must_be(void **state)
{
	const struct verdict_counts was = counts(1000, VERDICT_LOST, 0);
	const struct verdict_counts is = counts(1000, VERDICT_LOST, 40);
	const struct verdict_counts more = counts(1000, VERDICT_LOST, 70);

	(void)state;
	assert_int_equal(verdict_judge(&was, &is, 1).verdict, VERDICT_WORSE);
	assert_int_equal(verdict_judge(&was, &is, 1000).verdict, VERDICT_ALIKE);
	assert_int_equal(verdict_judge(&was, &more, 1000).verdict, VERDICT_WORSE);
}

/* --- many quiet services, simulated */

#define QUIET 1000
#define TRIALS 40
#define TRIAL_LOOKS 120 /* half a minute */

static uint64_t quiet_seed;

static double quiet_random(void)
{
	quiet_seed = quiet_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(quiet_seed >> 11) / (double)(1ULL << 53);
}

/* Each packet that a side gets of a flow is lost or isn't, as its service's share says. */
static void quiet_step(struct verdict_counts *counts, uint32_t packets, double share)
{
	for (uint32_t i = 0; i < packets; i++)
		counts->bad[VERDICT_LOST] += quiet_random() < share;
	counts->packets += packets;
}

/* How many trials of TRIALS go back, though both sides fare alike; *ret_doubts: and are doubted. */
static int quiet_trials(uint32_t among, uint32_t *ret_doubts)
{
	static struct watch_sides now[QUIET + 1], saved[QUIET + 1];
	int back = 0;

	*ret_doubts = 0;
	for (int trial = 0; trial < TRIALS; trial++) {
		struct watch watch = { .mode = WATCH_BESIDE, .count = among + 1, .saved = saved };

		memset(now, 0, sizeof(now));
		for (int i = 0; i < TRIAL_LOOKS; i++) {
			enum watch_step step;

			now[WATCH_ALL].old.packets += 100000;
			now[WATCH_ALL].new.packets += 100000;
			for (uint32_t s = 1; s <= among; s++) {
				const double share = s % 4 ? 0.001 * s / among : 0.3;

				quiet_step(&now[s].old, s % 30 + 1, share);
				quiet_step(&now[s].new, s % 30 + 1, share);
			}
			step = watch_look(&watch, now);
			*ret_doubts += step == WATCH_CROSS;
			back += step == WATCH_BACK;
			if (step != WATCH_GO_ON)
				memset(now, 0, sizeof(now));
		}
	}
	return back;
}

static void many_quiet_services_raise_no_alarm(void **state)
{
	uint32_t doubts;

	(void)state;
	quiet_seed = 5;
	assert_int_equal(quiet_trials(QUIET, &doubts), 0);
	/* 40 trials of 120 looks at 1000 services each. */
	assert_int_equal(doubts, 0);
}

/* A packet fares as its flow does, and one flow in twenty is lost whoever has it. */
static void flows_that_are_lost_by_themselves_take_nothing_back(void **state)
{
	enum { FLOWS = 40, ROUND_FLOWS = FLOWS / 2 };
	static struct watch_sides sides[QUIET + 1], saved[QUIET + 1];
	static bool lost[QUIET][FLOWS];
	uint32_t crossed = 0;

	(void)state;
	quiet_seed = 6;
	for (uint32_t s = 0; s < QUIET; s++)
		for (int flow = 0; flow < FLOWS; flow++)
			lost[s][flow] = quiet_random() < 0.05;
	for (int trial = 0; trial < TRIALS; trial++) {
		struct watch watch = { .mode = WATCH_BESIDE, .count = QUIET + 1, .saved = saved };
		uint32_t shift = (uint32_t)trial % FLOWS, looks = 0;

		for (int i = 0; i < TRIAL_LOOKS; i++) {
			enum watch_step step;

			looks++;
			sides[WATCH_ALL] = (struct watch_sides){ OLD(0), OLD(0) };
			for (uint32_t s = 0; s < QUIET; s++) {
				struct watch_sides *service = &sides[s + 1];

				memset(service, 0, sizeof(*service));
				for (uint32_t f = 0; f < FLOWS; f++) {
					struct verdict_counts *side =
						f < ROUND_FLOWS ? &service->new : &service->old;
					const uint64_t packets = 30ULL * looks;

					side->packets += packets;
					if (lost[s][(f + shift) % FLOWS])
						side->bad[VERDICT_LOST] += packets;
				}
			}
			step = watch_look(&watch, sides);
			assert_int_not_equal(step, WATCH_BACK);
			if (step != WATCH_GO_ON)
				looks = 0;
			if (step == WATCH_CROSS)
				shift += ROUND_FLOWS;
			crossed += step == WATCH_CROSS;
		}
	}
	/* It does look worse again and again, until the flows have changed sides. */
	assert_true(crossed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_traffic_nothing_is_said),
		cmocka_unit_test(few_packets_say_nothing),
		cmocka_unit_test(what_fares_alike_is_alike),
		cmocka_unit_test(better_is_not_worse),
		cmocka_unit_test(chance_is_not_worse),
		cmocka_unit_test(a_sure_but_tiny_difference_does_not_matter),
		cmocka_unit_test(a_tenth_of_one_service_in_ten_is_found),
		cmocka_unit_test(each_rate_has_its_floor),
		cmocka_unit_test(the_worst_is_named_and_all_harm_counted),
		cmocka_unit_test(outcomes_are_sorted_into_rates),
		cmocka_unit_test(a_canary_goes_back_after_two_rounds),
		cmocka_unit_test(a_flow_that_is_ill_by_itself_is_no_reason),
		cmocka_unit_test(a_doubt_about_all_packets_may_last),
		cmocka_unit_test(a_flow_that_only_the_new_one_harms_is_one),
		cmocka_unit_test(a_flood_that_begins_with_a_swap_is_no_reason),
		cmocka_unit_test(a_bad_swap_during_a_flood_goes_back),
		cmocka_unit_test(a_flaw_that_shows_late_is_found),
		cmocka_unit_test(without_packets_rounds_go_on_and_nothing_is_compared),
		cmocka_unit_test(a_small_service_that_is_harmed_goes_back_with_its_name),
		cmocka_unit_test(a_service_that_loses_after_a_swap_is_first_compared),
		cmocka_unit_test(a_service_that_falls_silent_is_not_waited_for),
		cmocka_unit_test(the_more_services_the_surer_each_must_be),
		cmocka_unit_test(many_quiet_services_raise_no_alarm),
		cmocka_unit_test(flows_that_are_lost_by_themselves_take_nothing_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
