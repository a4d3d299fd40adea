// SPDX-License-Identifier: GPL-2.0-or-later
/* The sender of a conversation as a pure state machine: no sockets, a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sync/peer.h"

#define START_US 1000000000LL
#define MS 1000LL

static enum peer_action next(struct peer *peer, int64_t now_us, bool pending, bool swept)
{
	struct peer_input input = { now_us, -1, pending, swept, PEER_NOTHING, false };

	return peer_next(peer, &input);
}

static struct wire_message answer(const struct peer *peer, uint64_t type, uint64_t sequence)
{
	return (struct wire_message){ .version = 1,
				      .type = type,
				      .boot = 7,
				      .conversation = peer->conversation,
				      .sequence = sequence,
				      .version_max = 1 };
}

/* Returns the refusal; *ret_mark_all as peer_receive. */
static enum refusal receive(struct peer *peer, struct wire_message message, int64_t now_us)
{
	bool mark_all;

	return peer_receive(peer, &message, now_us, &mark_all);
}

static void say_hello(struct peer *peer)
{
	peer_init(peer, START_US);
	assert_int_equal(next(peer, START_US, false, true), PEER_HELLO);
	peer_done(peer, PEER_HELLO, false, START_US);
	assert_int_equal(peer->state, SYNC_STATE_HELLO);
}

static void be_welcome(struct peer *peer, uint64_t credit)
{
	struct wire_message message;
	bool mark_all = false;

	say_hello(peer);
	message = answer(peer, WIRE_WELCOME, 0);
	message.credit = credit;
	assert_int_equal(peer_receive(peer, &message, START_US, &mark_all), REFUSAL_NONE);
	assert_true(mark_all);
	assert_int_equal(peer->state, SYNC_STATE_BULK);
	assert_int_equal(next(peer, START_US, true, false), PEER_HEARTBEAT);
	peer_done(peer, PEER_HEARTBEAT, false, START_US);
	assert_int_equal(next(peer, START_US, true, false), PEER_DICTIONARY);
	peer_done(peer, PEER_DICTIONARY, false, START_US);
}

static void go_live(struct peer *peer)
{
	be_welcome(peer, 64);
	assert_int_equal(next(peer, START_US, false, true), PEER_BULK_DONE);
	peer_done(peer, PEER_BULK_DONE, false, START_US);
	assert_int_equal(peer->state, SYNC_STATE_LIVE);
}

/* Until @now_us turns have followed each other, and it could have been heard in each. */
static enum peer_action next_after_silence(struct peer *peer, int64_t now_us, bool swept)
{
	peer->looked_us = now_us - MS;
	return next(peer, now_us, true, swept);
}

static void a_hello_waits_for_the_connection(void **state)
{
	struct peer peer;

	(void)state;
	peer_init(&peer, START_US);
	assert_int_equal(next(&peer, START_US, false, true), PEER_HELLO);
	peer_failed(&peer, PEER_HELLO, START_US);
	assert_int_equal(peer.state, SYNC_STATE_CONNECTING);
	assert_int_equal(next(&peer, START_US, false, true), PEER_NOTHING);
	assert_int_equal(next(&peer, START_US + PEER_RETRY_US, false, true), PEER_HELLO);
	assert_int_equal(peer.conversation, 0);
}

static void a_hello_after_a_long_wait_is_given_time_for_its_answer(void **state)
{
	struct peer peer;
	int64_t later_us = START_US + 3600 * 1000 * MS;

	(void)state;
	peer_init(&peer, START_US);
	assert_int_equal(next(&peer, later_us, false, true), PEER_HELLO);
	peer_done(&peer, PEER_HELLO, false, later_us);
	assert_int_equal(next(&peer, later_us + MS, false, true), PEER_NOTHING);
}

static void a_hello_without_an_answer_is_said_again_and_then_elsewhere(void **state)
{
	struct peer peer;
	int64_t now_us = START_US + PEER_DEAD_US + MS;

	(void)state;
	say_hello(&peer);
	assert_int_equal(next(&peer, START_US + PEER_DEAD_US, false, true), PEER_NOTHING);
	assert_int_equal(next(&peer, now_us, false, true), PEER_HELLO);
	peer_done(&peer, PEER_HELLO, false, now_us);
	assert_int_equal(peer.conversation, 2);
	now_us = START_US + PEER_GIVE_UP_US + MS;
	assert_int_equal(next(&peer, now_us, false, true), PEER_RECONNECT);
	peer_done(&peer, PEER_RECONNECT, false, now_us);
	assert_int_equal(peer.state, SYNC_STATE_CONNECTING);
	assert_int_equal(next(&peer, now_us, false, true), PEER_HELLO);
}

static void the_dictionary_comes_before_the_first_record(void **state)
{
	struct peer peer;

	(void)state;
	be_welcome(&peer, 64);
	assert_int_equal(next(&peer, START_US, true, false), PEER_RECORDS);
	peer_tell_dictionary(&peer);
	assert_int_equal(next(&peer, START_US, true, false), PEER_DICTIONARY);
	peer_done(&peer, PEER_DICTIONARY, true, START_US);
	assert_int_equal(next(&peer, START_US, true, false), PEER_DICTIONARY);
	peer_done(&peer, PEER_DICTIONARY, false, START_US);
	assert_int_equal(next(&peer, START_US, true, false), PEER_RECORDS);
}

static void credit_is_never_exceeded(void **state)
{
	struct wire_message credit;
	struct peer peer;

	(void)state;
	be_welcome(&peer, 3); /* one went to the dictionary */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(&peer, START_US, true, false), PEER_RECORDS);
		peer_done(&peer, PEER_RECORDS, false, START_US);
	}
	assert_int_equal(next(&peer, START_US, true, false), PEER_NOTHING);
	credit = answer(&peer, WIRE_CREDIT, 1);
	credit.credit = 4;
	assert_int_equal(receive(&peer, credit, START_US), REFUSAL_NONE);
	assert_int_equal(next(&peer, START_US, true, false), PEER_RECORDS);
	peer_done(&peer, PEER_RECORDS, false, START_US);
	assert_int_equal(next(&peer, START_US, true, false), PEER_NOTHING);
}

static void an_older_grant_takes_nothing_back(void **state)
{
	struct wire_message credit;
	struct peer peer;

	(void)state;
	be_welcome(&peer, 64);
	credit = answer(&peer, WIRE_CREDIT, 1);
	credit.credit = 10;
	assert_int_equal(receive(&peer, credit, START_US), REFUSAL_NONE);
	assert_int_equal(peer.credit, 64);
}

static void bulk_ends_when_all_that_was_marked_is_sent(void **state)
{
	struct peer peer;

	(void)state;
	be_welcome(&peer, 64);
	assert_int_equal(next(&peer, START_US, true, false), PEER_RECORDS);
	assert_int_equal(peer.state, SYNC_STATE_BULK);
	assert_int_equal(next(&peer, START_US, true, true), PEER_BULK_DONE);
	peer_done(&peer, PEER_BULK_DONE, false, START_US);
	assert_int_equal(peer.state, SYNC_STATE_LIVE);
	assert_int_equal(next(&peer, START_US, true, true), PEER_RECORDS);
	assert_int_equal(next(&peer, START_US, false, true), PEER_NOTHING);
}

static void a_heartbeat_goes_out_in_time_and_measures_the_way(void **state)
{
	struct wire_message beat = { 0 };
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(next(&peer, START_US + PEER_HEARTBEAT_US - MS, false, true), PEER_NOTHING);
	assert_int_equal(next(&peer, START_US + PEER_HEARTBEAT_US, false, true), PEER_HEARTBEAT);
	peer_fill(&peer, PEER_HEARTBEAT, START_US + PEER_HEARTBEAT_US, &beat);
	peer_done(&peer, PEER_HEARTBEAT, false, START_US + PEER_HEARTBEAT_US);
	beat.boot = 7;
	beat.sequence = 1;
	assert_int_equal(receive(&peer, beat, START_US + PEER_HEARTBEAT_US + 250), REFUSAL_NONE);
	assert_int_equal(peer.rtt_us, 250);
	beat.sequence = 2;
	beat.token = UINT64_MAX / 2;
	assert_int_equal(receive(&peer, beat, START_US + PEER_HEARTBEAT_US + MS),
			 REFUSAL_OUT_OF_RANGE);
}

static void silence_makes_stale_and_a_word_makes_live_again(void **state)
{
	struct wire_message credit;
	struct peer peer;
	int64_t now_us = START_US + PEER_DEAD_US + MS;

	(void)state;
	go_live(&peer);
	next_after_silence(&peer, now_us, true);
	assert_int_equal(peer.state, SYNC_STATE_STALE);
	assert_int_equal(peer.silences, 1);
	assert_int_equal(next(&peer, now_us, true, true), PEER_HEARTBEAT);
	peer_done(&peer, PEER_HEARTBEAT, false, now_us);
	assert_int_equal(next(&peer, now_us, true, true), PEER_NOTHING);
	credit = answer(&peer, WIRE_CREDIT, 1);
	assert_int_equal(receive(&peer, credit, now_us + MS), REFUSAL_NONE);
	assert_int_equal(peer.state, SYNC_STATE_LIVE);
	assert_int_equal(peer.conversation, 1);
	assert_int_equal(next(&peer, now_us + MS, true, true), PEER_RECORDS);
}

/* Its heartbeats of its own conversation arrive, and its answers to ours wait for a retransmission. */
static void whoever_talks_on_its_own_lives_for_as_long_as_a_connection_may_be_held_up(void **state)
{
	struct peer_input input = { .now_us = START_US, .swept = true };
	struct peer peer;

	(void)state;
	go_live(&peer);
	for (; input.now_us < START_US + PEER_GIVE_UP_US; input.now_us += PEER_HEARTBEAT_US) {
		input.heard_us = input.now_us;
		if (peer_next(&peer, &input) == PEER_HEARTBEAT)
			peer_done(&peer, PEER_HEARTBEAT, false, input.now_us);
		assert_int_equal(peer.state, SYNC_STATE_LIVE);
	}
	input.now_us = input.heard_us = START_US + PEER_GIVE_UP_US + MS;
	peer_next(&peer, &input);
	assert_int_equal(peer.state, SYNC_STATE_STALE);
	assert_int_equal(peer_next(&peer, &input), PEER_RECONNECT);
}

static void whoever_was_away_itself_gives_the_peer_time_for_an_answer_once(void **state)
{
	const int64_t back_us = START_US + 10 * PEER_DEAD_US;
	struct wire_message credit;
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(next(&peer, back_us, true, true), PEER_HEARTBEAT);
	peer_done(&peer, PEER_HEARTBEAT, false, back_us);
	credit = answer(&peer, WIRE_CREDIT, 1);
	assert_int_equal(receive(&peer, credit, back_us + MS), REFUSAL_NONE);
	assert_int_equal(next(&peer, 2 * back_us, true, true), PEER_HEARTBEAT);
	/* Away a second time, and nothing was heard between. */
	next(&peer, 2 * back_us + PEER_ANSWER_US + MS, true, true);
	assert_int_equal(peer.state, SYNC_STATE_STALE);
	assert_int_equal(peer.silences, 1);
}

static void a_bulk_that_went_stale_goes_on_as_bulk(void **state)
{
	struct peer peer;
	int64_t now_us = START_US + PEER_DEAD_US + MS;

	(void)state;
	be_welcome(&peer, 64);
	next_after_silence(&peer, now_us, false);
	assert_int_equal(peer.state, SYNC_STATE_STALE);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_CREDIT, 1), now_us), REFUSAL_NONE);
	assert_int_equal(peer.state, SYNC_STATE_BULK);
}

static void long_silence_makes_a_new_connection(void **state)
{
	struct peer peer;

	(void)state;
	go_live(&peer);
	next_after_silence(&peer, START_US + PEER_DEAD_US + MS, true);
	assert_int_equal(next(&peer, START_US + PEER_GIVE_UP_US + MS, true, true), PEER_RECONNECT);
}

static void a_reset_leads_to_a_new_conversation_but_not_at_once(void **state)
{
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_RESET, 0), START_US), REFUSAL_NONE);
	assert_int_equal(peer.state, SYNC_STATE_CONNECTING);
	assert_int_equal(next(&peer, START_US + MS, true, true), PEER_NOTHING);
	assert_int_equal(next(&peer, START_US + PEER_RESET_US, true, true), PEER_HELLO);
	peer_done(&peer, PEER_HELLO, false, START_US + PEER_RESET_US);
	assert_int_equal(peer.conversation, 2);
	assert_int_equal(peer.sequence, 1);
}

static void a_bye_makes_stale_at_once(void **state)
{
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_BYE, 1), START_US), REFUSAL_NONE);
	assert_int_equal(peer.state, SYNC_STATE_STALE);
}

static void a_resync_marks_everything_and_its_round_comes_back(void **state)
{
	struct wire_message message, done = { 0 };
	struct peer peer;
	bool mark_all = false;

	(void)state;
	go_live(&peer);
	message = answer(&peer, WIRE_RESYNC, 1);
	message.round = 3;
	assert_int_equal(peer_receive(&peer, &message, START_US, &mark_all), REFUSAL_NONE);
	assert_true(mark_all);
	assert_int_equal(peer.state, SYNC_STATE_BULK);
	peer_fill(&peer, PEER_BULK_DONE, START_US, &done);
	assert_int_equal(done.round, 3);
}

/* A hello that goes on with boot 7, and what the welcome says to it. */
static bool welcome_marks_all(struct peer *peer, uint64_t boot, uint64_t resumes)
{
	struct wire_message hello = { 0 }, message;
	bool mark_all = false;

	peer_restart(peer, START_US);
	assert_int_equal(next(peer, START_US, false, true), PEER_HELLO);
	peer_fill(peer, PEER_HELLO, START_US, &hello);
	peer_done(peer, PEER_HELLO, false, START_US);
	assert_int_equal(hello.resumes, peer->resumes);
	message = answer(peer, WIRE_WELCOME, 0);
	message.boot = boot;
	message.resumes = resumes;
	assert_int_equal(peer_receive(peer, &message, START_US, &mark_all), REFUSAL_NONE);
	assert_int_equal(peer->resumed, !mark_all);
	assert_int_equal(peer->state, SYNC_STATE_BULK);
	return mark_all;
}

static void a_conversation_goes_on_if_both_say_so(void **state)
{
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(peer.resumes, 7);
	assert_int_equal(peer.resyncs, 1);
	assert_false(welcome_marks_all(&peer, 7, 7));
	assert_int_equal(peer.resyncs, 1);
	assert_true(welcome_marks_all(&peer, 7, 0));
	assert_int_equal(peer.resyncs, 2);
	assert_true(welcome_marks_all(&peer, 8, 7));
	assert_true(welcome_marks_all(&peer, 8, 7));
	assert_false(welcome_marks_all(&peer, 8, 8));
	peer_forget(&peer);
	assert_true(welcome_marks_all(&peer, 8, 8));
}

static void a_reset_for_a_loss_begins_anew_but_not_one_of_a_daemon_that_is_new(void **state)
{
	struct wire_message reset;
	struct peer peer;

	(void)state;
	go_live(&peer);
	reset = answer(&peer, WIRE_RESET, 0);
	strcpy(reset.reason, "no_conversation");
	assert_int_equal(receive(&peer, reset, START_US), REFUSAL_NONE);
	assert_int_equal(peer.resumes, 7);
	go_live(&peer);
	strcpy(reset.reason, "out_of_order");
	assert_int_equal(receive(&peer, reset, START_US), REFUSAL_NONE);
	assert_int_equal(peer.resumes, 0);
}

static enum peer_action next_with_sums(struct peer *peer)
{
	struct peer_input input = { START_US, -1, true, true, PEER_DIGEST, false };

	return peer_next(peer, &input);
}

static void sums_go_before_records_but_only_when_live_and_with_credit(void **state)
{
	struct wire_message message;
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(next_with_sums(&peer), PEER_DIGEST);
	peer.credit = peer.used;
	assert_int_equal(next_with_sums(&peer), PEER_NOTHING);
	peer.credit++;
	message = answer(&peer, WIRE_RESYNC, 1);
	assert_int_equal(receive(&peer, message, START_US), REFUSAL_NONE);
	peer_done(&peer, PEER_HEARTBEAT, false, START_US);
	assert_int_not_equal(next_with_sums(&peer), PEER_DIGEST);
}

static void a_repair_is_no_answer_to_version_1(void **state)
{
	struct peer peer;

	(void)state;
	go_live(&peer);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_REPAIR, 1), START_US),
			 REFUSAL_UNEXPECTED);
	peer.version = 2;
	assert_int_equal(receive(&peer, answer(&peer, WIRE_REPAIR, 2), START_US), REFUSAL_NONE);
}

static void answers_out_of_place_are_refused(void **state)
{
	struct wire_message message;
	struct peer peer;

	(void)state;
	say_hello(&peer);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_CREDIT, 0), START_US),
			 REFUSAL_NO_CONVERSATION);
	go_live(&peer);
	message = answer(&peer, WIRE_CREDIT, 1);
	message.conversation++;
	assert_int_equal(receive(&peer, message, START_US), REFUSAL_NO_CONVERSATION);
	message = answer(&peer, WIRE_CREDIT, 1);
	message.boot++;
	assert_int_equal(receive(&peer, message, START_US), REFUSAL_NO_CONVERSATION);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_CREDIT, 0), START_US),
			 REFUSAL_OUT_OF_ORDER);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_WELCOME, 1), START_US),
			 REFUSAL_UNEXPECTED);
	assert_int_equal(receive(&peer, answer(&peer, WIRE_RECORDS, 9), START_US),
			 REFUSAL_UNEXPECTED);
	assert_int_equal(peer.state, SYNC_STATE_LIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_waits_for_the_connection),
		cmocka_unit_test(a_hello_after_a_long_wait_is_given_time_for_its_answer),
		cmocka_unit_test(a_hello_without_an_answer_is_said_again_and_then_elsewhere),
		cmocka_unit_test(the_dictionary_comes_before_the_first_record),
		cmocka_unit_test(credit_is_never_exceeded),
		cmocka_unit_test(an_older_grant_takes_nothing_back),
		cmocka_unit_test(bulk_ends_when_all_that_was_marked_is_sent),
		cmocka_unit_test(a_heartbeat_goes_out_in_time_and_measures_the_way),
		cmocka_unit_test(silence_makes_stale_and_a_word_makes_live_again),
		cmocka_unit_test(
			whoever_talks_on_its_own_lives_for_as_long_as_a_connection_may_be_held_up),
		cmocka_unit_test(whoever_was_away_itself_gives_the_peer_time_for_an_answer_once),
		cmocka_unit_test(a_bulk_that_went_stale_goes_on_as_bulk),
		cmocka_unit_test(long_silence_makes_a_new_connection),
		cmocka_unit_test(a_reset_leads_to_a_new_conversation_but_not_at_once),
		cmocka_unit_test(a_bye_makes_stale_at_once),
		cmocka_unit_test(a_resync_marks_everything_and_its_round_comes_back),
		cmocka_unit_test(a_conversation_goes_on_if_both_say_so),
		cmocka_unit_test(
			a_reset_for_a_loss_begins_anew_but_not_one_of_a_daemon_that_is_new),
		cmocka_unit_test(sums_go_before_records_but_only_when_live_and_with_credit),
		cmocka_unit_test(a_repair_is_no_answer_to_version_1),
		cmocka_unit_test(answers_out_of_place_are_refused),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
