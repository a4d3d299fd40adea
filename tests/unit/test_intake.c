// SPDX-License-Identifier: GPL-2.0-or-later
/* The receiver of a conversation as a pure state machine: no sockets, no clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sync/intake.h"

#define START_US 1000000000LL

static const struct intake_route here = { 0, 5, { 0, 1, 2, 3, 4 } };
static const struct intake_route elsewhere = { 0, 5, { 0, 9, 9, 9, 9 } };

static struct wire_message request(uint64_t type, uint64_t sequence)
{
	return (struct wire_message){ .version = 1,
				      .type = type,
				      .boot = 7,
				      .conversation = 1,
				      .sequence = sequence,
				      .version_max = 1 };
}

static enum refusal take(struct intake *intake, uint64_t type, uint64_t sequence)
{
	struct wire_message message = request(type, sequence);

	return intake_receive(intake, &here, &message, START_US);
}

static void open_intake(struct intake *intake)
{
	intake_init(intake);
	assert_int_equal(take(intake, WIRE_HELLO, 0), REFUSAL_NONE);
	assert_int_equal(intake_next(intake), INTAKE_WELCOME);
	intake_done(intake, INTAKE_WELCOME);
	assert_int_equal(intake_next(intake), INTAKE_NOTHING);
}

static void nothing_is_taken_before_a_hello(void **state)
{
	struct intake intake;

	(void)state;
	intake_init(&intake);
	assert_int_equal(take(&intake, WIRE_RECORDS, 0), REFUSAL_NO_CONVERSATION);
	assert_int_equal(intake.heard_us, -1);
}

static void only_the_next_in_sequence_is_taken(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_RECORDS, 1), REFUSAL_NONE);
	assert_int_equal(take(&intake, WIRE_RECORDS, 1), REFUSAL_OUT_OF_ORDER);
	assert_int_equal(take(&intake, WIRE_RECORDS, 2), REFUSAL_NO_CONVERSATION);
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_RECORDS, 2), REFUSAL_OUT_OF_ORDER);
}

static void another_connection_boot_or_conversation_is_not_ours(void **state)
{
	struct wire_message message = request(WIRE_RECORDS, 1);
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(intake_receive(&intake, &elsewhere, &message, START_US),
			 REFUSAL_NO_CONVERSATION);
	message.boot = 8;
	assert_int_equal(intake_receive(&intake, &here, &message, START_US),
			 REFUSAL_NO_CONVERSATION);
	message.boot = 7;
	message.conversation = 2;
	assert_int_equal(intake_receive(&intake, &here, &message, START_US),
			 REFUSAL_NO_CONVERSATION);
	assert_int_equal(take(&intake, WIRE_RECORDS, 1), REFUSAL_NONE);
}

static void data_is_acknowledged_by_credit_that_says_how_much_was_consumed(void **state)
{
	struct wire_message message = { 0 };
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(intake_next(&intake), INTAKE_NOTHING);
	for (uint64_t n = 1; n <= 3; n++)
		assert_int_equal(take(&intake, WIRE_RECORDS, n), REFUSAL_NONE);
	assert_int_equal(intake_next(&intake), INTAKE_CREDIT);
	intake_fill(&intake, INTAKE_CREDIT, &message);
	assert_int_equal(message.consumed, 3);
	assert_int_equal(message.credit, 3 + INTAKE_WINDOW);
	intake_done(&intake, INTAKE_CREDIT);
	assert_int_equal(intake_next(&intake), INTAKE_NOTHING);
}

static void data_beyond_the_credit_ends_the_conversation(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	for (uint64_t n = 1; n <= INTAKE_WINDOW; n++)
		assert_int_equal(take(&intake, WIRE_RECORDS, n), REFUSAL_NONE);
	assert_int_equal(take(&intake, WIRE_RECORDS, INTAKE_WINDOW + 1), REFUSAL_OVER_CREDIT);
	assert_false(intake.open);
}

static void the_table_is_complete_at_the_end_of_the_last_round_asked(void **state)
{
	struct wire_message done = request(WIRE_BULK_DONE, 1);
	struct intake intake;

	(void)state;
	open_intake(&intake);
	intake_ask_resync(&intake);
	assert_int_equal(intake_receive(&intake, &here, &done, START_US), REFUSAL_NONE);
	assert_false(intake.received_all);
	done.sequence = 2;
	done.round = 1;
	assert_int_equal(intake_receive(&intake, &here, &done, START_US), REFUSAL_NONE);
	assert_true(intake.received_all);
	intake_ask_resync(&intake);
	assert_false(intake.received_all);
}

static void a_new_hello_begins_from_nothing(void **state)
{
	struct wire_message hello = request(WIRE_HELLO, 0);
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_BULK_DONE, 1), REFUSAL_NONE);
	assert_true(intake.received_all);
	hello.boot = 8;
	assert_int_equal(intake_receive(&intake, &elsewhere, &hello, START_US), REFUSAL_NONE);
	assert_false(intake.received_all);
	assert_int_equal(take(&intake, WIRE_RECORDS, 2), REFUSAL_NO_CONVERSATION);
}

/* Says hello, asking to go on with our boot; what the welcome says to it. */
static uint64_t go_on(struct intake *intake, uint64_t boot)
{
	struct wire_message hello = request(WIRE_HELLO, 0), welcome = { 0 };

	hello.boot = boot;
	hello.resumes = 99;
	assert_int_equal(intake_receive(intake, &elsewhere, &hello, START_US), REFUSAL_NONE);
	assert_false(intake->received_all);
	intake_fill(intake, INTAKE_WELCOME, &welcome);
	return welcome.resumes;
}

static void who_holds_the_whole_table_goes_on_with_it(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(go_on(&intake, 7), 0);
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_BULK_DONE, 1), REFUSAL_NONE);
	assert_int_equal(go_on(&intake, 7), 99);
	/* Before it was told what has changed since, too: the sender has that marked still. */
	assert_int_equal(go_on(&intake, 7), 99);
	assert_int_equal(go_on(&intake, 8), 0);
	assert_int_equal(go_on(&intake, 7), 0);
}

static void who_asked_for_all_or_refused_something_begins_anew(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_BULK_DONE, 1), REFUSAL_NONE);
	intake_ask_resync(&intake);
	assert_int_equal(go_on(&intake, 7), 0);
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_BULK_DONE, 1), REFUSAL_NONE);
	assert_int_equal(take(&intake, WIRE_RECORDS, 7), REFUSAL_OUT_OF_ORDER);
	assert_int_equal(go_on(&intake, 7), 0);
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_BULK_DONE, 1), REFUSAL_NONE);
	intake_close(&intake);
	intake_ask_resync(&intake);
	assert_int_equal(go_on(&intake, 7), 0);
}

static void a_type_to_come_is_passed_over(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_TYPE_LIMIT - 1, 1), REFUSAL_UNKNOWN_MESSAGE);
	assert_int_equal(take(&intake, WIRE_RECORDS, 2), REFUSAL_NONE);
}

static void a_digest_takes_credit_and_its_answer_is_owed_once(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_DIGEST_BEGIN, 1), REFUSAL_NONE);
	assert_int_equal(take(&intake, WIRE_DIGEST, 2), REFUSAL_NONE);
	assert_int_equal(intake.consumed, 2);
	assert_int_equal(intake_next(&intake), INTAKE_CREDIT);
	intake_done(&intake, INTAKE_CREDIT);
	intake_answer_digest(&intake);
	assert_int_equal(intake_next(&intake), INTAKE_REPAIR);
	intake_done(&intake, INTAKE_REPAIR);
	assert_int_equal(intake_next(&intake), INTAKE_NOTHING);
	intake_close(&intake);
	intake_answer_digest(&intake);
	assert_int_equal(intake_next(&intake), INTAKE_NOTHING);
}

static void an_answer_sent_as_a_request_is_refused(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_CREDIT, 1), REFUSAL_UNEXPECTED);
	assert_false(intake.open);
}

static void a_bye_closes_but_keeps_what_is_known(void **state)
{
	struct intake intake;

	(void)state;
	open_intake(&intake);
	assert_int_equal(take(&intake, WIRE_BULK_DONE, 1), REFUSAL_NONE);
	assert_int_equal(take(&intake, WIRE_BYE, 2), REFUSAL_NONE);
	assert_false(intake.open);
	assert_true(intake.received_all);
	assert_int_equal(intake.boot, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_taken_before_a_hello),
		cmocka_unit_test(only_the_next_in_sequence_is_taken),
		cmocka_unit_test(another_connection_boot_or_conversation_is_not_ours),
		cmocka_unit_test(data_is_acknowledged_by_credit_that_says_how_much_was_consumed),
		cmocka_unit_test(data_beyond_the_credit_ends_the_conversation),
		cmocka_unit_test(the_table_is_complete_at_the_end_of_the_last_round_asked),
		cmocka_unit_test(a_new_hello_begins_from_nothing),
		cmocka_unit_test(who_holds_the_whole_table_goes_on_with_it),
		cmocka_unit_test(who_asked_for_all_or_refused_something_begins_anew),
		cmocka_unit_test(a_type_to_come_is_passed_over),
		cmocka_unit_test(a_digest_takes_credit_and_its_answer_is_owed_once),
		cmocka_unit_test(an_answer_sent_as_a_request_is_refused),
		cmocka_unit_test(a_bye_closes_but_keeps_what_is_known),
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
