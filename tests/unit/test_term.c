// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms: when one begins, what is heard, what stands on disk, whose record has standing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "sync/term.h"

#define NOW 5000000

static struct wire_message said(const char *node, uint64_t term, uint64_t role, uint64_t known)
{
	struct wire_message message = {
		.version = 2, .term = term, .role = role, .term_known = known
	};

	snprintf(message.node, sizeof(message.node), "%s", node);
	return message;
}

static bool hear(struct term *term, struct wire_message message)
{
	return term_hear(term, "lb1", &message, NOW);
}

static void a_takeover_takes_the_highest_known_and_one(void **state)
{
	struct term term = { .known = 7 };

	(void)state;
	assert_true(term_set_role(&term, SYNC_ROLE_ACTIVE, NOW));
	assert_int_equal(term.own, 8);
	assert_int_equal(term.known, 8);
	assert_int_equal(term.began_us, NOW);
}

static void a_role_told_twice_is_one_takeover(void **state)
{
	struct term term = { 0 };

	(void)state;
	assert_true(term_set_role(&term, SYNC_ROLE_ACTIVE, NOW));
	assert_false(term_set_role(&term, SYNC_ROLE_ACTIVE, NOW + 1));
	assert_int_equal(term.own, 1);
	assert_int_equal(term.began_us, NOW);
}

static void a_standby_keeps_its_term_and_takes_another_when_it_is_back(void **state)
{
	struct term term = { 0 };

	(void)state;
	term_set_role(&term, SYNC_ROLE_ACTIVE, NOW);
	assert_false(term_set_role(&term, SYNC_ROLE_STANDBY, NOW + 1));
	assert_int_equal(term.own, 1);
	hear(&term, said("lb2", 2, WIRE_ROLE_ACTIVE, 2));
	assert_int_equal(term.own, 1);
	assert_true(term_set_role(&term, SYNC_ROLE_ACTIVE, NOW + 2));
	assert_int_equal(term.own, 3);
}

static void what_peers_know_counts_as_heard(void **state)
{
	struct term term = { 0 };

	(void)state;
	hear(&term, said("lb2", 2, WIRE_ROLE_STANDBY, 9));
	assert_int_equal(term.known, 9);
	hear(&term, said("lb3", 4, WIRE_ROLE_STANDBY, 4));
	assert_int_equal(term.known, 9);
	term_set_role(&term, SYNC_ROLE_ACTIVE, NOW);
	assert_int_equal(term.own, 10);
}

static void whoever_kept_the_traffic_takes_a_new_term(void **state)
{
	struct term term = { 0 };

	(void)state;
	term_set_role(&term, SYNC_ROLE_ACTIVE, 0);
	assert_false(hear(&term, said("lb2", 2, WIRE_ROLE_ACTIVE, 2)));
	assert_int_equal(term.own, 1);
	assert_true(hear(&term, said("lb2", 2, WIRE_ROLE_STANDBY, 2)));
	assert_int_equal(term.own, 3);
	assert_int_equal(term.began_us, NOW);
	assert_false(hear(&term, said("lb2", 2, WIRE_ROLE_STANDBY, 3)));
}

static void a_lower_term_of_a_standby_changes_nothing(void **state)
{
	struct term term = { .known = 4 };

	(void)state;
	term_set_role(&term, SYNC_ROLE_ACTIVE, NOW);
	assert_false(hear(&term, said("lb2", 4, WIRE_ROLE_STANDBY, 4)));
	assert_false(hear(&term, said("lb2", 0, WIRE_ROLE_UNKNOWN, 0)));
	assert_int_equal(term.own, 5);
}

static void of_two_takeovers_at_once_the_greater_name_counts(void **state)
{
	(void)state;
	assert_true(term_is_higher(2, "lb2", 2, "lb1"));
	assert_false(term_is_higher(2, "lb1", 2, "lb2"));
	assert_true(term_is_higher(3, "lb1", 2, "lb2"));
	assert_false(term_is_higher(0, "lb2", 0, "lb1"));
}

static void a_mad_peer_cannot_make_the_next_term_overflow(void **state)
{
	struct term term = { 0 };

	(void)state;
	hear(&term, said("lb2", WIRE_TERM_MAX, WIRE_ROLE_ACTIVE, WIRE_TERM_MAX));
	assert_true(term_set_role(&term, SYNC_ROLE_ACTIVE, NOW));
	assert_int_equal(term.own, WIRE_TERM_MAX);
	/* Nor begin another with each word of a node that took over before, at the same term. */
	assert_false(hear(&term, said("lb3", WIRE_TERM_MAX, WIRE_ROLE_STANDBY, WIRE_TERM_MAX)));
}

static void a_term_survives_on_disk(void **state)
{
	struct term term = { .own = 3, .began_us = 12345, .known = 9 }, read;
	char line[TERM_LINE_MAX];

	(void)state;
	term_print(&term, line);
	assert_int_equal(term_parse(line, NOW, &read), 0);
	assert_int_equal(read.own, 3);
	assert_int_equal(read.began_us, 12345);
	assert_int_equal(read.known, 9);
	assert_false(term_set_role(&read, SYNC_ROLE_ACTIVE, NOW));
	assert_int_equal(read.own, 3);
}

static void a_daemon_that_was_standby_when_it_died_takes_over_as_any_other(void **state)
{
	struct term term = { .own = 3, .began_us = 12345, .ended_us = 23456, .known = 4 }, read;
	char line[TERM_LINE_MAX];

	(void)state;
	term_print(&term, line);
	assert_int_equal(term_parse(line, NOW, &read), 0);
	assert_true(term_set_role(&read, SYNC_ROLE_ACTIVE, NOW));
	assert_int_equal(read.own, 5);
}

static void a_line_that_cannot_be_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"3 12345 9",
		"x 12345 0 9",
		"3 12345 0 9 0",
		"9 12345 0 3",			  /* knows less than its own */
		"3 5000001 0 9",		  /* begins after now: of another boot */
		"3 12345 5000001 9",		  /* and so with its end */
		"3 12345 0 18446744073709551615", /* no peer could be told the next one */
	};
	struct term term = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		print_message("\"%s\"\n", lines[i]);
		assert_int_equal(term_parse(lines[i], NOW, &term), -EINVAL);
		assert_int_equal(term.known, 0);
	}
}

/*
 * Our term is 5 of "lb1"; it began 10 s ago, as did the peer's.
 *
 *   peer        its term  record's age  hand     standing
 */
static void a_record_stands_by_its_term(void **state)
{
	static const struct {
		const char *node;
		uint64_t term;
		uint32_t age_ms;
		uint16_t flags;
		int standing;
		uint64_t ended_ms;
	} cases[] = {
		{ "lb2", 6, 0, 0, 1, 0 },		     /* higher */
		{ "lb2", 6, 10000, 0, 1, 0 },		     /* seen when it began */
		{ "lb2", 6, 10001, 0, 0, 0 },		     /* seen before */
		{ "lb2", 6, 0, WIRE_CONN_SECONDHAND, 0, 0 }, /* not seen at all */
		{ "lb2", 4, 0, 0, -1, 0 },		     /* lower */
		{ "lb2", 4, 10001, 0, 0, 0 },		     /* seen before */
		{ "lb2", 5, 0, 0, 1, 0 },		     /* equal, the greater name */
		{ "lb0", 5, 0, 0, -1, 0 },		     /* equal, the lesser name */
		{ "lb2", 0, 0, 0, 0, 0 },		     /* never took over */
		{ "lb2", 6, 0, WIRE_CONN_CLOSING, 1, 0 },    /* whatever else it says */
		{ "lb2", 6, 2000, 0, 1, 2000 },		     /* seen when it ended */
		{ "lb2", 6, 1999, 0, 0, 2000 },		     /* seen after */
	};
	const struct term term = { .own = 5, .known = 6 }, never = { .known = 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_message message =
			said(cases[i].node, cases[i].term, WIRE_ROLE_ACTIVE, 6);
		struct wire_record record = { .age_ms = cases[i].age_ms, .flags = cases[i].flags };

		message.term_ms = 10000;
		message.ended_ms = cases[i].ended_ms;
		print_message("case %zu\n", i);
		assert_int_equal(term_standing(&term, "lb1", &message, &record), cases[i].standing);
		assert_int_equal(term_standing(&never, "lb1", &message, &record), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_takeover_takes_the_highest_known_and_one),
		cmocka_unit_test(a_role_told_twice_is_one_takeover),
		cmocka_unit_test(a_standby_keeps_its_term_and_takes_another_when_it_is_back),
		cmocka_unit_test(what_peers_know_counts_as_heard),
		cmocka_unit_test(whoever_kept_the_traffic_takes_a_new_term),
		cmocka_unit_test(a_lower_term_of_a_standby_changes_nothing),
		cmocka_unit_test(of_two_takeovers_at_once_the_greater_name_counts),
		cmocka_unit_test(a_mad_peer_cannot_make_the_next_term_overflow),
		cmocka_unit_test(a_term_survives_on_disk),
		cmocka_unit_test(a_daemon_that_was_standby_when_it_died_takes_over_as_any_other),
		cmocka_unit_test(a_line_that_cannot_be_is_refused),
		cmocka_unit_test(a_record_stands_by_its_term),
	};

	return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
