// SPDX-License-Identifier: GPL-2.0-or-later
/* What sync may cost: bytes a second, and a share of a core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "sync/budget.h"

#define START 1000000LL
#define SECOND 1000000LL

/* Bytes that get through in @us, with a look every @step, in messages of @size. */
static uint64_t sent_in(struct bandwidth *bandwidth, int64_t us, int64_t step, uint64_t size)
{
	uint64_t sent = 0;

	for (int64_t now = START; now < START + us; now += step) {
		while (bandwidth_may(bandwidth, now) && sent < 1000 * 1000 * 1000) {
			bandwidth_spend(bandwidth, size);
			sent += size;
		}
	}
	return sent;
}

static void without_a_rate_nothing_waits(void **state)
{
	struct bandwidth bandwidth = { 0 };

	(void)state;
	bandwidth_spend(&bandwidth, 1ULL << 40);
	assert_true(bandwidth_may(&bandwidth, START));
}

static void as_much_gets_through_as_the_rate_says(void **state)
{
	static const struct {
		uint64_t rate, size;
	} cases[] = {
		{ 1500, 10 },	   { 1000000, 1000 },	 { 1000000, 18000 },
		{ 100000, 65536 }, { 125000000, 20000 }, { 4000000000ULL, 65536 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bandwidth bandwidth = { 0 };
		uint64_t sent, wanted = cases[i].rate / 10 + 5 * cases[i].rate;

		bandwidth_set(&bandwidth, cases[i].rate, START);
		if (wanted > 1000 * 1000 * 1000)
			wanted = 1000 * 1000 * 1000;
		sent = sent_in(&bandwidth, 5 * SECOND, 1000, cases[i].size);
		print_message("case %zu: %llu of %llu\n", i, (unsigned long long)sent,
			      (unsigned long long)wanted);
		assert_in_range(sent, wanted * 97 / 100 - cases[i].size,
				wanted * 103 / 100 + cases[i].size);
	}
}

static void a_rate_below_a_byte_a_look_adds_up(void **state)
{
	struct bandwidth bandwidth = { 0 };

	(void)state;
	bandwidth_set(&bandwidth, 100, START);
	assert_in_range(sent_in(&bandwidth, 10 * SECOND, 1000, 10), 980, 1040);
}

static void the_same_rate_again_is_no_gift(void **state)
{
	struct bandwidth bandwidth = { 0 };

	(void)state;
	bandwidth_set(&bandwidth, 1000, START);
	bandwidth_spend(&bandwidth, 5000);
	bandwidth_set(&bandwidth, 1000, START);
	assert_false(bandwidth_may(&bandwidth, START));
	bandwidth_set(&bandwidth, 2000, START);
	assert_true(bandwidth_may(&bandwidth, START));
}

/* A thread that would work all the time, @turn_us a turn: how much of @us it does. */
static int64_t worked_in(struct cpu *cpu, int64_t us, int64_t turn_us, int64_t *ret_longest)
{
	int64_t now = START, used = 0;

	*ret_longest = 0;
	while (now < START + us) {
		int64_t rest = cpu_rest_us(cpu, now, used);

		if (rest > *ret_longest)
			*ret_longest = rest;
		now += rest ? rest : turn_us;
		used += rest ? 0 : turn_us;
	}
	return used;
}

static void a_thread_gets_its_share_of_a_core_and_no_more(void **state)
{
	static const uint32_t percents[] = { 5, 20, 50, 99 };
	int64_t longest, used;

	(void)state;
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		struct cpu cpu = { .percent = percents[i] };

		used = worked_in(&cpu, 20 * SECOND, 300, &longest);
		print_message("%u percent: %lld us\n", percents[i], (long long)used);
		assert_in_range(used, 20 * SECOND * percents[i] / 100 * 95 / 100,
				20 * SECOND * percents[i] / 100 * 110 / 100);
		assert_in_range(longest, 1, CPU_WINDOW_US);
	}
}

static void a_long_turn_is_made_up_for(void **state)
{
	struct cpu cpu = { .percent = 10 };
	int64_t longest, used = worked_in(&cpu, 20 * SECOND, 25000, &longest);

	(void)state;
	assert_in_range(used, 2 * SECOND * 90 / 100, 2 * SECOND * 120 / 100);
}

static void no_debt_makes_a_peer_seem_dead(void **state)
{
	struct cpu cpu = { .percent = 10 };
	int64_t now = START, rest, rested = 0;

	(void)state;
	cpu_rest_us(&cpu, now, 0);
	now += 5 * SECOND;
	while ((rest = cpu_rest_us(&cpu, now, 5 * SECOND)) > 0) {
		now += rest;
		rested += rest;
	}
	assert_in_range(rested, CPU_WINDOW_US, (CPU_DEBT_WINDOWS + 1) * CPU_WINDOW_US);
}

static void a_whole_core_is_no_limit(void **state)
{
	struct cpu cpu = { .percent = 100 };
	int64_t longest;

	(void)state;
	assert_int_equal(worked_in(&cpu, SECOND, 1000, &longest), SECOND);
	assert_int_equal(longest, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_rate_nothing_waits),
		cmocka_unit_test(as_much_gets_through_as_the_rate_says),
		cmocka_unit_test(a_rate_below_a_byte_a_look_adds_up),
		cmocka_unit_test(the_same_rate_again_is_no_gift),
		cmocka_unit_test(a_thread_gets_its_share_of_a_core_and_no_more),
		cmocka_unit_test(a_long_turn_is_made_up_for),
		cmocka_unit_test(no_debt_makes_a_peer_seem_dead),
		cmocka_unit_test(a_whole_core_is_no_limit),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
