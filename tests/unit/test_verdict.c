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

	return verdict_judge(&was, &is).verdict;
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
	assert_int_equal(verdict_judge(&none, &some).verdict, VERDICT_WORSE);
	some = counts(1000000, VERDICT_PASSES, 2100);
	assert_int_equal(verdict_judge(&none, &some).verdict, VERDICT_ALIKE);
	some = counts(1000000, VERDICT_MISSES, 20000);
	assert_int_equal(verdict_judge(&none, &some).verdict, VERDICT_ALIKE);
	some = counts(1000000, VERDICT_MISSES, 40000);
	assert_int_equal(verdict_judge(&none, &some).verdict, VERDICT_WORSE);
}

static void the_worst_is_named_and_all_harm_counted(void **state)
{
	const struct verdict_counts old = { .packets = 10000, .bad = { [VERDICT_DROPS] = 100 } };
	const struct verdict_counts new = {
		.packets = 10000, .bad = { [VERDICT_DROPS] = 600, [VERDICT_UNACCOUNTED] = 3000 }
	};
	struct verdict_finding found = verdict_judge(&old, &new);
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
	return watch_look(watch, &old, &new);
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
		cmocka_unit_test(a_flow_that_only_the_new_one_harms_is_one),
		cmocka_unit_test(a_flood_that_begins_with_a_swap_is_no_reason),
		cmocka_unit_test(a_bad_swap_during_a_flood_goes_back),
		cmocka_unit_test(a_flaw_that_shows_late_is_found),
		cmocka_unit_test(without_packets_rounds_go_on_and_nothing_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
