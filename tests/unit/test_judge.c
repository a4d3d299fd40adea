// SPDX-License-Identifier: GPL-2.0-or-later
/* What is made of a peer's sums: agreement, divergence, no verdict, refusals. */
#include "digest_desk.h"

static void equal_tables_agree_at_both_ends(void **state)
{
	struct sync_proof report;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	proof_report(&desk.proof, desk.now_us, &report);
	assert_int_equal(report.agreed_ms_ago, -1);
	assert_int_equal(pass(&desk, NULL), 0);
	assert_int_equal(desk.proof.agreed, WIRE_REGIONS);
	assert_int_equal(desk.prover->proof.agreed, WIRE_REGIONS);
	proof_report(&desk.prover->proof, desk.now_us + SECOND_US, &report);
	assert_int_equal(report.agreed_ms_ago, 1000);
	assert_int_equal(report.passes, 1);
	assert_int_equal(report.diverged_ms_ago, -1);
	desk_free(&desk);
}

static void a_region_that_differs_once_is_not_asked_for(void **state)
{
	struct table_entry missing;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	missing = flow(&desk, 5);
	assert_int_equal(pass(&desk, &missing), 0);
	assert_int_equal(desk.proof.differing, 1);
	assert_int_equal(desk.proof.divergences, 0);
	assert_int_equal(pass(&desk, NULL), 0);
	assert_int_equal(pass(&desk, &missing), 0);
	assert_int_equal(desk.proof.divergences, 0);
	desk_free(&desk);
}

static void a_region_that_differs_twice_is_asked_for_and_repaired(void **state)
{
	struct table_entry missing;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	missing = flow(&desk, 5);
	pass(&desk, &missing);
	assert_int_equal(pass(&desk, &missing), 1);
	assert_int_equal(desk.proof.divergences, 1);
	assert_int_equal(desk.prover->proof.divergences, 1);
	assert_int_equal(desk.proof.diverged_us, desk.now_us);
	assert_int_equal(desk.proof.repairs, 0);
	assert_int_equal(pass(&desk, NULL), 0);
	assert_int_equal(desk.proof.repairs, 1);
	assert_int_equal(desk.prover->proof.repairs, 1);
	assert_int_equal(desk.prover->proof.repaired_us, desk.now_us);
	desk_free(&desk);
}

static void what_is_asked_for_is_marked_at_both_ends(void **state)
{
	struct table_entry missing;
	uint64_t identity;
	struct desk desk;
	uint32_t region;

	(void)state;
	desk_init(&desk);
	missing = flow(&desk, 5);
	pass(&desk, &missing);
	pass(&desk, &missing);
	identity = digest_identity(desk.identities, &missing);
	region = digest_region(identity);
	assert_true(digest_set_has(&desk.prover->repair, region));
	assert_true(digest_set_has(&desk.judge->repair, region));
	desk.now_us += SECOND_US;
	assert_int_equal(desk.outbox.pending, 0);
	prove(&desk, NULL);
	assert_in_range(desk.outbox.pending, 1, 4);
	assert_int_equal(desk.prover->state, PROVER_TELL); /* not before they are told */
	tell(&desk);
	prover_turn(desk.prover, &desk.outbox, desk.now_us);
	assert_int_equal(desk.prover->state, PROVER_SEND);
	desk_free(&desk);
}

static void what_cannot_be_repaired_is_asked_for_ever_more_rarely(void **state)
{
	uint32_t asked = 0, passes = 300;
	struct table_entry missing;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	missing = flow(&desk, 5);
	for (uint32_t i = 0; i < passes; i++)
		asked += pass(&desk, &missing);
	assert_in_range(asked, 6, 10); /* after 2, 4, 8, 16, 32 s, then every minute */
	assert_int_equal(desk.proof.divergences, 1);
	assert_int_equal(desk.proof.differing, 1);
	assert_int_equal(desk.prover->proof.divergences, 1);
	assert_int_equal(desk.proof.repairs, 0);
	desk_free(&desk);
}

static void what_came_or_was_told_meanwhile_is_no_difference(void **state)
{
	struct table_entry missing;
	struct judge_change change;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	missing = flow(&desk, 5);
	for (int i = 0; i < 3; i++) {
		desk.judge->key = BOOT;
		judge_told(desk.judge, desk.identities, &missing, desk.now_us + SECOND_US - 1000);
		assert_int_equal(pass(&desk, &missing), 0);
		assert_int_equal(desk.proof.agreed, WIRE_REGIONS);
	}
	change = (struct judge_change){ NULL, &missing, tables_now(&desk.tables) };
	judge_changed(desk.judge, &desk.tables, desk.identities, &change, desk.now_us + SECOND_US);
	assert_int_equal(pass(&desk, &missing), 0);
	assert_int_equal(desk.proof.agreed, WIRE_REGIONS);
	assert_int_equal(pass(&desk, &missing), 0);
	assert_int_equal(desk.proof.differing, 1); /* what was told long ago explains nothing */
	desk_free(&desk);
}

static void a_refresh_unsettles_nothing(void **state)
{
	struct table_entry before, after;
	struct judge_change change = { &before, &after, 0 };
	struct desk desk;

	(void)state;
	desk_init(&desk);
	before = after = flow(&desk, 5);
	change.now = tables_now(&desk.tables);
	before.tick -= 40;
	judge_changed(desk.judge, &desk.tables, desk.identities, &change, desk.now_us);
	assert_int_equal(desk.judge->unsettled.count, 0);
	before.tick -= 880; /* so old that it didn't count */
	judge_changed(desk.judge, &desk.tables, desk.identities, &change, desk.now_us);
	assert_int_equal(desk.judge->unsettled.count, 1);
	before = after;
	after.backend ^= 3;
	judge_changed(desk.judge, &desk.tables, desk.identities, &change, desk.now_us);
	assert_int_equal(desk.judge->unsettled.count, 3); /* the old one and the new one */
	desk_free(&desk);
}

static void an_entry_about_to_pass_the_age_limit_is_unsettled(void **state)
{
	struct table_entry old;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	old = flow(&desk, 1000);
	old.tick -= 900 * 15 / 16 - 2;
	assert_int_equal(tables_put(&desk.tables, &old), TABLES_PUT_ADDED);
	assert_int_equal(pass(&desk, &old), 0);
	assert_int_equal(pass(&desk, &old), 0);
	assert_int_equal(desk.proof.agreed, WIRE_REGIONS);
	desk_free(&desk);
}

static void too_much_that_is_unsettled_or_lost_gives_no_verdict(void **state)
{
	struct table_entry missing;
	struct desk desk;
	uint32_t region;

	(void)state;
	desk_init(&desk);
	missing = flow(&desk, 5);
	region = digest_region(digest_identity(desk.identities, &missing));
	pass(&desk, &missing);
	for (uint32_t i = 0; i < 41; i++)
		unsettled_add(&desk.judge->unsettled, region, lbd_mix(lbd_mix(i + 99)),
			      desk.now_us + SECOND_US);
	assert_int_equal(pass(&desk, &missing), 0);
	assert_int_equal(desk.proof.unsettled, 1);
	assert_int_equal(desk.proof.agreed, WIRE_REGIONS - 1);
	for (uint32_t i = 0; i <= UNSETTLED_ROWS; i++)
		unsettled_add(&desk.judge->unsettled, 0, i + 1, desk.now_us + SECOND_US);
	assert_int_equal(pass(&desk, NULL), 0);
	assert_int_equal(desk.proof.unsettled, WIRE_REGIONS);
	assert_int_equal(desk.proof.divergences, 0);
	desk_free(&desk);
}

static void ids_that_change_their_meaning_give_no_verdict(void **state)
{
	struct desk desk;

	(void)state;
	desk_init(&desk);
	desk.now_us += SECOND_US;
	prove(&desk, NULL);
	assert_int_equal(hear_begin(&desk, 1), REFUSAL_NONE);
	judge_spoil(desk.judge);
	prover_turn(desk.prover, &desk.outbox, desk.now_us);
	hear_sums(&desk);
	judge_now(&desk);
	assert_int_equal(desk.proof.unsettled, WIRE_REGIONS);
	assert_int_equal(desk.proof.agreed_us, -1);
	desk_free(&desk);
}

/* --- nonsense */

static enum refusal take_sums(struct desk *desk, uint64_t number, uint64_t first, uint32_t count,
			      bool more)
{
	struct wire_message message = { .type = WIRE_DIGEST,
					.pass = number,
					.first_region = first,
					.more = more,
					.sums = { desk->rows, WIRE_SUM_SIZE, count } };

	return judge_take(desk->judge, &desk->tables, desk->directory, &message);
}

static void sums_that_nobody_announced_or_with_gaps_are_refused(void **state)
{
	struct desk desk;

	(void)state;
	desk_init(&desk);
	assert_int_equal(take_sums(&desk, 0, 0, 2048, true), REFUSAL_BAD_DIGEST);
	assert_int_equal(hear_begin(&desk, 0), REFUSAL_BAD_DIGEST);
	assert_int_equal(hear_begin(&desk, 3), REFUSAL_NONE);
	assert_int_equal(hear_begin(&desk, 3), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 2, 0, 2048, true), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 2048, 2048, false), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 0, 0, true), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 0, 2048, false), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 0, 2048, true), REFUSAL_NONE);
	assert_int_equal(take_sums(&desk, 3, 0, 2048, true), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 2048, 2048, true), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 2049, 2048, false), REFUSAL_BAD_DIGEST);
	assert_int_equal(take_sums(&desk, 3, 2048, 2048, false), REFUSAL_NONE);
	assert_int_equal(desk.judge->state, JUDGE_PASS);
	assert_int_equal(take_sums(&desk, 3, 0, 2048, true), REFUSAL_BAD_DIGEST);
	desk_free(&desk);
}

static void the_log_hears_of_divergences_once_a_minute_and_misses_none(void **state)
{
	const int64_t minute_us = 60 * 1000000LL, now_us = 5;
	struct proof proof;

	(void)state;
	proof_init(&proof);
	assert_int_equal(proof_news(&proof, now_us), 0);
	proof_diverged(&proof, 3, now_us);
	assert_int_equal(proof_news(&proof, now_us), 3);
	proof_diverged(&proof, 4, now_us);
	proof_diverged(&proof, 5, now_us);
	assert_int_equal(proof_news(&proof, now_us + minute_us - 1), 0);
	assert_int_equal(proof_news(&proof, now_us + minute_us), 9);
	assert_int_equal(proof_news(&proof, now_us + 3 * minute_us), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_tables_agree_at_both_ends),
		cmocka_unit_test(a_region_that_differs_once_is_not_asked_for),
		cmocka_unit_test(a_region_that_differs_twice_is_asked_for_and_repaired),
		cmocka_unit_test(what_is_asked_for_is_marked_at_both_ends),
		cmocka_unit_test(what_cannot_be_repaired_is_asked_for_ever_more_rarely),
		cmocka_unit_test(what_came_or_was_told_meanwhile_is_no_difference),
		cmocka_unit_test(a_refresh_unsettles_nothing),
		cmocka_unit_test(an_entry_about_to_pass_the_age_limit_is_unsettled),
		cmocka_unit_test(too_much_that_is_unsettled_or_lost_gives_no_verdict),
		cmocka_unit_test(ids_that_change_their_meaning_give_no_verdict),
		cmocka_unit_test(sums_that_nobody_announced_or_with_gaps_are_refused),
		cmocka_unit_test(the_log_hears_of_divergences_once_a_minute_and_misses_none),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
