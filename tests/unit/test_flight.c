// SPDX-License-Identifier: GPL-2.0-or-later
/* What is under way, what a peer holds, and how long it took: by hand, with a clock of our own. */
#include "sync_fixture.h"

#include "sync/flight.h"

#define BUCKETS 64
#define START_US 1000000000LL

struct lab {
	struct tables tables;
	struct flight flight;
	struct held held;
	struct lag lag;
};

static int lab_setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	fixture_tables(&lab->tables, BUCKETS, 1);
	assert_int_equal(flight_init(&lab->flight), 0);
	assert_int_equal(held_init(&lab->held, &lab->tables), 0);
	held_set_boot(&lab->held, 7);
	*state = lab;
	return 0;
}

static int lab_teardown(void **state)
{
	struct lab *lab = *state;

	flight_destroy(&lab->flight);
	held_destroy(&lab->held);
	fixture_tables_free(&lab->tables);
	free(lab);
	return 0;
}

/* Message @number tells of flow @number, at the place of that number. */
static void tell(struct lab *lab, uint64_t number, int64_t since_us)
{
	struct table_entry entry = fixture_entry(&lab->tables, (uint32_t)number, false, 1, 2);
	struct flight_row row = { (uint32_t)number, held_print(&entry), held_state(&entry) };

	flight_add(&lab->flight, &lab->held, number, since_us, true, &row, 1);
}

static bool holds(struct lab *lab, uint32_t number)
{
	struct table_entry entry = fixture_entry(&lab->tables, number, false, 1, 2);

	return held_has(&lab->held, number, &entry);
}

static void acknowledge(struct lab *lab, uint64_t consumed, int64_t now_us)
{
	flight_acknowledge(&lab->flight, consumed, now_us, &lab->held, &lab->lag);
}

static void only_what_is_acknowledged_is_held(void **state)
{
	struct lab *lab = *state;

	for (uint64_t number = 1; number <= 4; number++)
		tell(lab, number, START_US + (int64_t)number);
	assert_false(holds(lab, 1));
	assert_int_equal(flight_oldest_us(&lab->flight), START_US + 1);
	acknowledge(lab, 3, START_US + 500);
	assert_true(holds(lab, 1) && holds(lab, 2) && holds(lab, 3));
	assert_false(holds(lab, 4));
	assert_int_equal(flight_oldest_us(&lab->flight), START_US + 4);
	acknowledge(lab, 4, START_US + 500);
	assert_int_equal(flight_oldest_us(&lab->flight), -1);
}

static void another_backend_or_another_connection_is_not_held(void **state)
{
	struct lab *lab = *state;
	struct table_entry moved = fixture_entry(&lab->tables, 1, false, 1, 3);
	struct table_entry other = fixture_entry(&lab->tables, 9, false, 1, 2);

	tell(lab, 1, START_US);
	acknowledge(lab, 1, START_US);
	assert_true(holds(lab, 1));
	assert_false(held_has(&lab->held, 1, &moved));
	assert_false(held_has(&lab->held, 1, &other));
}

static void age_and_flags_do_not_matter(void **state)
{
	struct lab *lab = *state;
	struct table_entry later = fixture_entry(&lab->tables, 1, false, 1, 2);

	tell(lab, 1, START_US);
	acknowledge(lab, 1, START_US);
	later.tick += 7;
	later.flags |= LBD_CONN_CLOSING;
	assert_true(held_has(&lab->held, 1, &later));
}

static bool is_told(struct lab *lab, const struct table_entry *entry)
{
	return held_is_told(&lab->held, 1, held_print(entry), held_state(entry));
}

/* A late acknowledgement of what was there before says nothing of what was told since. */
static void only_what_was_told_last_need_not_be_told_again(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry = fixture_entry(&lab->tables, 1, false, 1, 2), moved = entry;
	struct flight_row row = { 1, held_print(&entry), held_state(&entry) };

	moved.backend = 3;
	assert_false(is_told(lab, &entry));
	tell(lab, 1, START_US);
	assert_true(is_told(lab, &entry));
	assert_false(is_told(lab, &moved));
	row.print = held_print(&moved);
	flight_add(&lab->flight, &lab->held, 2, START_US, true, &row, 1);
	acknowledge(lab, 1, START_US);
	assert_true(is_told(lab, &moved));
	assert_false(is_told(lab, &entry));
	assert_false(held_has(&lab->held, 1, &moved));
	acknowledge(lab, 2, START_US);
	assert_true(held_has(&lab->held, 1, &moved));
	moved.tick++;
	assert_false(is_told(lab, &moved));
	assert_true(held_has(&lab->held, 1, &moved));
	moved.tick--;
	held_untell(&lab->held, 1);
	assert_false(is_told(lab, &moved));
}

static void what_was_under_way_when_the_conversation_ended_is_not_held(void **state)
{
	struct lab *lab = *state;

	tell(lab, 1, START_US);
	acknowledge(lab, 1, START_US);
	tell(lab, 2, START_US);
	flight_clear(&lab->flight);
	acknowledge(lab, 2, START_US);
	assert_true(holds(lab, 1));
	assert_false(holds(lab, 2));
}

static void another_boot_holds_nothing(void **state)
{
	struct lab *lab = *state;

	tell(lab, 1, START_US);
	acknowledge(lab, 1, START_US);
	held_set_boot(&lab->held, 7);
	assert_true(holds(lab, 1));
	held_set_boot(&lab->held, 8);
	assert_false(holds(lab, 1));
}

static void what_peers_told_is_held_once_the_whole_table_is_acknowledged(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry = fixture_entry(&lab->tables, 5, false, 1, 2);

	entry.flags |= LBD_CONN_REMOTE;
	tell(lab, 1, START_US);
	flight_end_bulk(&lab->flight, 1);
	assert_false(held_has(&lab->held, 5, &entry));
	acknowledge(lab, 1, START_US);
	assert_true(held_has(&lab->held, 5, &entry));
	entry.flags &= ~(uint64_t)LBD_CONN_REMOTE;
	assert_false(held_has(&lab->held, 5, &entry));
	held_set_boot(&lab->held, 8);
	entry.flags |= LBD_CONN_REMOTE;
	assert_false(held_has(&lab->held, 5, &entry));
}

/* As apply.c does when the peer has told of @entry. */
static void learn(struct lab *lab, const struct table_entry *entry)
{
	__u64 value, *word = tables_find_value(&lab->tables, entry, &value);

	held_put(&lab->held, held_place_of(&lab->tables, !lbd_addr_is4(&entry->client), word),
		 held_print(entry));
}

static void what_the_peer_told_it_holds_with_its_own_backend(void **state)
{
	struct lab *lab = *state;
	struct table_entry mine, theirs;
	uint32_t found = 0;

	mine = fixture_entry(&lab->tables, 5, false, 1, 2);
	theirs = fixture_entry(&lab->tables, 5, false, 1, 3);
	assert_int_equal(tables_put(&lab->tables, &mine), TABLES_PUT_ADDED);
	learn(lab, &theirs);
	for (uint32_t place = 0; place < lab->held.slots_count; place++) {
		assert_false(held_has(&lab->held, place, &mine));
		found += held_has(&lab->held, place, &theirs);
	}
	assert_int_equal(found, 1);
}

/* Told and acknowledged, again. */
static void retell(struct lab *lab, const struct table_entry *entry)
{
	struct flight_row row = { 1, held_print(entry), held_state(entry) };

	flight_add(&lab->flight, &lab->held, 9, START_US, true, &row, 1);
	acknowledge(lab, 9, START_US);
}

static void what_a_repair_did_not_bring_is_not_held_whatever_is_acknowledged(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry = fixture_entry(&lab->tables, 1, false, 1, 2), moved = entry;

	retell(lab, &entry);
	held_deny(&lab->held, 1, &entry); /* nobody had a doubt */
	assert_true(holds(lab, 1));
	held_doubt(&lab->held, 1, &entry);
	assert_true(holds(lab, 1));
	held_deny(&lab->held, 1, &entry);
	assert_false(holds(lab, 1));
	retell(lab, &entry);
	assert_false(holds(lab, 1));
	assert_true(is_told(lab, &entry));
	held_doubt(&lab->held, 1, &entry);
	assert_false(holds(lab, 1));
	moved.backend = 3;
	retell(lab, &moved);
	assert_true(held_has(&lab->held, 1, &moved));
}

static void an_acknowledgement_ends_no_doubt_but_the_peer_does(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry = fixture_entry(&lab->tables, 1, false, 1, 2);

	retell(lab, &entry);
	held_doubt(&lab->held, 1, &entry);
	retell(lab, &entry);
	held_deny(&lab->held, 1, &entry);
	assert_false(holds(lab, 1));
	held_put(&lab->held, 1, held_print(&entry));
	assert_true(holds(lab, 1));
	held_doubt(&lab->held, 1, &entry);
	held_put(&lab->held, 1, held_print(&entry));
	held_deny(&lab->held, 1, &entry);
	assert_true(holds(lab, 1));
}

static void trust_is_of_what_was_doubted(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry = fixture_entry(&lab->tables, 1, false, 1, 2);
	struct table_entry other = fixture_entry(&lab->tables, 9, false, 1, 2);

	held_trust(&lab->held, 1, &entry);
	assert_false(holds(lab, 1));
	retell(lab, &entry);
	held_doubt(&lab->held, 1, &entry);
	held_deny(&lab->held, 1, &entry);
	held_trust(&lab->held, 1, &other);
	assert_false(holds(lab, 1) || held_has(&lab->held, 1, &other));
	held_trust(&lab->held, 1, &entry);
	assert_true(holds(lab, 1));
}

static void what_others_told_of_is_not_held_by_who_lacks_it(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry = fixture_entry(&lab->tables, 5, false, 1, 2), own = entry;

	entry.flags |= LBD_CONN_REMOTE;
	held_doubt(&lab->held, 5, &entry); /* it isn't held anyway */
	assert_false(lab->held.doubts);
	lab->held.complete = true;
	assert_true(held_has(&lab->held, 5, &entry));
	held_doubt(&lab->held, 5, &entry);
	assert_true(held_has(&lab->held, 5, &entry));
	held_deny(&lab->held, 5, &entry);
	assert_false(held_has(&lab->held, 5, &entry) || held_has(&lab->held, 5, &own));
	held_trust(&lab->held, 5, &entry);
	assert_true(held_has(&lab->held, 5, &entry));
}

/* Where it is found must be where it stands. */
static void what_the_peer_told_is_held_where_it_stands(void **state)
{
	struct lab *lab = *state;
	struct table_entry entry, standing;
	uint32_t held = 0;

	for (uint32_t n = 0; n < 40; n++) {
		entry = fixture_entry(&lab->tables, n, n % 2, 1, 2);
		assert_int_equal(tables_put(&lab->tables, &entry), TABLES_PUT_ADDED);
		learn(lab, &entry);
	}
	for (uint32_t b = 0; b < BUCKETS; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++) {
			held += tables_read4(&lab->tables, b, s, &standing) &&
				held_has(&lab->held, held_place(&lab->tables, false, b, s),
					 &standing);
			held += tables_read6(&lab->tables, b, s, &standing) &&
				held_has(&lab->held, held_place(&lab->tables, true, b, s),
					 &standing);
		}
	assert_int_equal(held, 40);
}

static void count_place(void *context, uint32_t place)
{
	uint64_t *places = context;

	*places |= 1ULL << place;
}

static void what_is_under_way_is_recalled(void **state)
{
	struct lab *lab = *state;
	uint64_t places = 0;

	for (uint64_t number = 1; number <= 5; number++)
		tell(lab, number, START_US);
	acknowledge(lab, 2, START_US);
	flight_recall(&lab->flight, count_place, &places);
	assert_int_equal(places, 1ULL << 3 | 1ULL << 4 | 1ULL << 5);
}

static void a_window_and_no_more_is_kept(void **state)
{
	struct lab *lab = *state;

	for (uint64_t number = 1; number <= FLIGHT_MESSAGES + 1; number++)
		tell(lab, number, START_US);
	acknowledge(lab, FLIGHT_MESSAGES + 1, START_US);
	assert_true(holds(lab, FLIGHT_MESSAGES));
	assert_false(holds(lab, FLIGHT_MESSAGES + 1));
}

/* --- lag */

static void expect_lag(const struct lag *lag, int64_t now_us, uint32_t permille, int64_t wanted)
{
	int64_t got = lag_read(lag, now_us, permille);

	assert_in_range(got, wanted, wanted + wanted / LAG_STEPS + 1);
}

static void percentiles_are_right_to_an_eighth(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lag_read(&lab->lag, START_US, 500), -1);
	lag_add(&lab->lag, START_US, 200, 980);
	lag_add(&lab->lag, START_US, 900, 10);
	lag_add(&lab->lag, START_US, 70000, 10);
	expect_lag(&lab->lag, START_US, 500, 200);
	expect_lag(&lab->lag, START_US, 990, 900);
	expect_lag(&lab->lag, START_US, 1000, 70000);
}

static void times_of_any_length_are_counted(void **state)
{
	static const int64_t times[] = { 1, 7, 8, 9, 1000, 123456, 60000000 };
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		memset(&lab->lag, 0, sizeof(lab->lag));
		lag_add(&lab->lag, START_US, times[i], 1);
		expect_lag(&lab->lag, START_US, 500, times[i]);
	}
	lag_add(&lab->lag, START_US, INT64_MAX, 1);
	lag_add(&lab->lag, START_US, -5, 1);
}

static void a_minute_later_it_is_forgotten(void **state)
{
	struct lab *lab = *state;

	lag_add(&lab->lag, START_US, 5000, 1);
	lag_add(&lab->lag, START_US + 30 * 1000000LL, 100, 1);
	expect_lag(&lab->lag, START_US + 30 * 1000000LL, 990, 5000);
	expect_lag(&lab->lag, START_US + 61 * 1000000LL, 990, 100);
	assert_int_equal(lag_read(&lab->lag, START_US + 120 * 1000000LL, 990), -1);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(only_what_is_acknowledged_is_held),
		LAB(another_backend_or_another_connection_is_not_held),
		LAB(age_and_flags_do_not_matter),
		LAB(only_what_was_told_last_need_not_be_told_again),
		LAB(what_was_under_way_when_the_conversation_ended_is_not_held),
		LAB(another_boot_holds_nothing),
		LAB(what_peers_told_is_held_once_the_whole_table_is_acknowledged),
		LAB(what_the_peer_told_it_holds_with_its_own_backend),
		LAB(what_a_repair_did_not_bring_is_not_held_whatever_is_acknowledged),
		LAB(an_acknowledgement_ends_no_doubt_but_the_peer_does),
		LAB(trust_is_of_what_was_doubted),
		LAB(what_others_told_of_is_not_held_by_who_lacks_it),
		LAB(what_the_peer_told_is_held_where_it_stands),
		LAB(what_is_under_way_is_recalled),
		LAB(a_window_and_no_more_is_kept),
		LAB(percentiles_are_right_to_an_eighth),
		LAB(times_of_any_length_are_counted),
		LAB(a_minute_later_it_is_forgotten),
	};

	return cmocka_run_group_tests_name("flight", tests, NULL, NULL);
}
