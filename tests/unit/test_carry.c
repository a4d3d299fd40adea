// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries on their way into a table of another size: bit for bit, and the dearest
 * of them where there is no room for all. Plain memory; what a whole set of maps
 * does is in test_next.c.
 */
#include <stdio.h>

#include "carry_desk.h"

static void a_table_grows_and_shrinks_bit_for_bit(void **state)
{
	const uint32_t count = 20000; /* with more, two buckets might be full */
	struct tables small, large, again;
	struct carriers up, down;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&again, SMALL, SALT);
	fill(&small, count);
	carriers_open(&up, &small, &large);
	assert_int_equal(carriers_pass(&up, true), count);
	assert_int_equal(differing(&small, &large, count), 0);
	assert_int_equal(entries_of(&large), count);
	carriers_open(&down, &large, &again);
	assert_int_equal(carriers_pass(&down, true), count);
	assert_int_equal(differing(&small, &again, count), 0);
	assert_int_equal(carriers_count(&down, true).live, 0);
	carriers_close(&up);
	carriers_close(&down);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
	fixture_tables_free(&again);
}

static void a_later_pass_carries_what_changed_and_nothing_else(void **state)
{
	struct table_entry entry = connection(7);
	struct tables small, large;
	struct carriers up;
	__u64 *word, value;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	fill(&small, 1000);
	carriers_open(&up, &small, &large);
	assert_int_equal(carriers_pass(&up, true), 1000);
	assert_int_equal(carriers_pass(&up, true), 0);
	word = tables_find_value(&small, &entry, &value);
	assert_non_null(word);
	*word = lbd_value_with_tick(value | LBD_CONN_CLOSING, lbd_value_tick(value) + 1);
	assert_int_equal(carriers_pass(&up, true), 1);
	assert_int_equal(differing(&small, &large, 1000), 0);
	carriers_close(&up);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
}

/* --- too small a table */

static uint32_t missing(const struct tables *from, const struct tables *to, uint32_t count)
{
	uint32_t absent = 0;

	for (uint32_t n = 0; n < count; n++) {
		const struct table_entry flow = connection(n);
		__u64 value;

		absent += tables_find_value(from, &flow, &value) &&
			  !tables_find_value(to, &flow, &value);
	}
	return absent;
}

static void what_has_no_room_is_counted(void **state)
{
	const uint32_t count = 30000;
	struct carry_count left;
	struct tables large, small;
	struct carriers down;

	(void)state;
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&small, 2048, SALT);
	fill(&large, count);
	carriers_open(&down, &large, &small);
	carriers_pass(&down, true);
	carriers_prove(&down);
	left = carriers_count(&down, false);
	printf("[          ] 2 x 8192 slots for %u entries: %llu have no room\n", count,
	       (unsigned long long)left.live);
	assert_int_equal(left.entries, count);
	/* Every slot holds one, and none of the wrong ones is there. */
	assert_in_range(entries_of(&small), 16300, 16384);
	assert_int_equal(left.live + left.idle + entries_of(&small), count);
	assert_int_equal(missing(&large, &small, count), left.live + left.idle);
	carriers_close(&down);
	fixture_tables_free(&large);
	fixture_tables_free(&small);
}

/* As full as nine of ten slots, which is more than whoever only inserts can make it. */
static void a_table_that_is_nearly_full_takes_them_all(void **state)
{
	const uint32_t count = 2 * 4096 * 4 * 9 / 10;
	struct carry_count left;
	struct tables large, small;
	struct carriers down;

	(void)state;
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&small, 4096, SALT);
	fill(&large, count);
	carriers_open(&down, &large, &small);
	carriers_pass(&down, true);
	left = carriers_count(&down, true);
	assert_int_equal(left.entries, count);
	assert_int_equal(left.live + left.idle, 0);
	assert_int_equal(entries_of(&small), count);
	assert_int_equal(differing(&large, &small, count), 0);
	carriers_close(&down);
	fixture_tables_free(&large);
	fixture_tables_free(&small);
}

/* Connections come all the time: between the last pass and the count, too. */
static void what_came_since_the_last_pass_has_room(void **state)
{
	struct carry_count left;
	struct tables small, large;
	struct carriers up;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	fill(&small, 1000);
	carriers_open(&up, &small, &large);
	assert_int_equal(carriers_pass(&up, true), 1000);
	for (uint32_t n = 1000; n < 1100; n++)
		put(&small, n, LBD_CONN_CONFIRMED, 0);
	left = carriers_count(&up, false);
	assert_int_equal(left.entries, 1100);
	assert_int_equal(left.live, 100);
	left = carriers_count(&up, true);
	assert_int_equal(left.entries, 1100);
	assert_int_equal(left.live + left.idle, 0);
	assert_int_equal(differing(&small, &large, 1100), 0);
	carriers_close(&up);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
}

static void what_is_idle_gives_way_and_live_ones_stay(void **state)
{
	const uint32_t idle = 4000, live = 1000;
	struct carry_count left;
	struct tables large, small;
	struct carriers down;

	(void)state;
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&small, 512, SALT);
	for (uint32_t n = 0; n < idle; n++)
		put(&large, n, n % 3 ? 0 : LBD_CONN_CONFIRMED, 950);
	for (uint32_t n = idle; n < idle + live; n++)
		put(&large, n, LBD_CONN_CONFIRMED, 20);
	carriers_open(&down, &large, &small);
	carriers_pass(&down, true);
	left = carriers_count(&down, true);
	assert_int_equal(left.entries, idle + live);
	assert_int_equal(left.live, 0);
	assert_int_not_equal(left.idle, 0);
	for (uint32_t n = idle; n < idle + live; n++) {
		const struct table_entry flow = connection(n);
		__u64 value;

		assert_non_null(tables_find_value(&small, &flow, &value));
	}
	carriers_close(&down);
	fixture_tables_free(&large);
	fixture_tables_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_grows_and_shrinks_bit_for_bit),
		cmocka_unit_test(a_later_pass_carries_what_changed_and_nothing_else),
		cmocka_unit_test(what_has_no_room_is_counted),
		cmocka_unit_test(a_table_that_is_nearly_full_takes_them_all),
		cmocka_unit_test(what_came_since_the_last_pass_has_room),
		cmocka_unit_test(what_is_idle_gives_way_and_live_ones_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
