// SPDX-License-Identifier: GPL-2.0-or-later
/* When a pass begins, what it tells again, and which answers are taken. */
#include "digest_desk.h"

static void an_answer_to_no_pass_or_of_no_region_is_refused(void **state)
{
	uint8_t rows[2 * WIRE_REGION_SIZE];
	struct wire_message repair = { .type = WIRE_REPAIR, .pass = 2 };
	struct desk desk;

	(void)state;
	desk_init(&desk);
	desk.now_us += SECOND_US;
	prove(&desk, NULL);
	assert_int_equal(prover_take(desk.prover, &repair, desk.now_us), REFUSAL_BAD_DIGEST);
	repair.pass = 1;
	assert_int_equal(prover_take(desk.prover, &repair, desk.now_us), REFUSAL_NONE);
	assert_int_equal(desk.prover->proof.passes, 0); /* its sums aren't even sent */
	prover_turn(desk.prover, &desk.outbox, desk.now_us);
	desk.prover->state = PROVER_WAIT;
	repair.agreed = WIRE_REGIONS - 1;
	repair.unsettled = 2;
	assert_int_equal(prover_take(desk.prover, &repair, desk.now_us), REFUSAL_BAD_DIGEST);
	wire_put_region(rows, 7);
	wire_put_region(rows + WIRE_REGION_SIZE, WIRE_REGIONS);
	repair.unsettled = repair.agreed = 0;
	repair.regions = (struct wire_rows){ rows, WIRE_REGION_SIZE, 2 };
	assert_int_equal(prover_take(desk.prover, &repair, desk.now_us), REFUSAL_BAD_DIGEST);
	assert_int_equal(digest_set_count(&desk.prover->repair), 0);
	repair.regions.count = 1;
	assert_int_equal(prover_take(desk.prover, &repair, desk.now_us), REFUSAL_NONE);
	assert_int_equal(digest_set_count(&desk.prover->repair), 1);
	desk_free(&desk);
}

static void passes_come_once_a_second_and_cost_a_twentieth(void **state)
{
	struct prover *prover;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	prover = desk.prover;
	pass(&desk, NULL);
	assert_false(prover_is_due(prover, desk.now_us + SECOND_US - 1, 1));
	assert_true(prover_is_due(prover, desk.now_us + SECOND_US, 1));
	prover->cost_us = 100000;
	assert_false(prover_is_due(prover, desk.now_us + 2 * SECOND_US - 1, 1));
	assert_true(prover_is_due(prover, desk.now_us + 2 * SECOND_US, 1));
	assert_false(prover_is_due(prover, desk.now_us + 4 * SECOND_US - 1, 2));
	prover->cost_us = 0;
	prover->differed = 1;
	assert_true(prover_is_due(prover, desk.now_us + SECOND_US / 4, 1));
	prover->differed = PROVER_HURRIES + 1;
	assert_false(prover_is_due(prover, desk.now_us + SECOND_US / 4, 1));
	desk_free(&desk);
}

static void a_pass_without_an_answer_is_given_up(void **state)
{
	struct desk desk;

	(void)state;
	desk_init(&desk);
	prove(&desk, NULL);
	prover_turn(desk.prover, &desk.outbox, desk.now_us);
	desk.prover->sums_next = WIRE_REGIONS - WIRE_SUMS_MAX;
	prover_sent(desk.prover, desk.now_us);
	assert_int_equal(desk.prover->state, PROVER_WAIT);
	prover_turn(desk.prover, &desk.outbox, desk.now_us + PROVER_PATIENCE_US);
	assert_int_equal(desk.prover->state, PROVER_WAIT);
	prover_turn(desk.prover, &desk.outbox, desk.now_us + PROVER_PATIENCE_US + 1);
	assert_int_equal(desk.prover->state, PROVER_RESTING);
	desk_free(&desk);
}

static void an_entry_is_told_once_more_before_the_age_limit(void **state)
{
	uint32_t near = 900 * 15 / 16 - (32 + 4);
	struct table_entry old;
	struct desk desk;

	(void)state;
	desk_init(&desk);
	pass(&desk, NULL);
	old = flow(&desk, 1000);
	old.tick -= near + 1;
	assert_int_equal(tables_put(&desk.tables, &old), TABLES_PUT_ADDED);
	desk.prover->before -= 5; /* ticks ago */
	desk.now_us += SECOND_US;
	prove(&desk, NULL);
	assert_int_equal(desk.outbox.pending, 1);
	tell(&desk);
	prover_abandon(desk.prover);
	desk.now_us += SECOND_US;
	prove(&desk, NULL); /* as good as at once: it has been told */
	assert_int_equal(desk.outbox.pending, 0);
	desk_free(&desk);
}

/* --- what a peer holds, by its answers */

static void hold_all(struct desk *desk, struct held *held)
{
	assert_int_equal(held_init(held, &desk->tables), 0);
	held_assume(held, &desk->tables, desk->outbox.words);
	desk->outbox.held = held;
}

static uint32_t place_of(const struct desk *desk, const struct table_entry *entry)
{
	__u64 value, *word = tables_find_value(&desk->tables, entry, &value);

	assert_non_null(word);
	return held_place_of(&desk->tables, false, word);
}

static uint32_t count_held(struct desk *desk)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = flow(desk, n);

		count += held_has(desk->outbox.held, place_of(desk, &entry), &entry);
	}
	return count;
}

/* Acknowledge whatever is told; the peer tells nothing. */
static void acknowledge_all(struct desk *desk)
{
	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = flow(desk, n);

		held_acknowledge(desk->outbox.held, place_of(desk, &entry), held_print(&entry));
	}
}

static uint32_t count_in_region(struct desk *desk, const struct table_entry *of)
{
	uint32_t region = digest_region(digest_identity(desk->identities, of)), count = 0;

	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = flow(desk, n);

		count += digest_region(digest_identity(desk->identities, &entry)) == region;
	}
	return count;
}

/* A peer that holds all, as far as is known, and lacks @ret_missing. */
static void lacking_init(struct desk *desk, struct held *held, struct table_entry *ret_missing)
{
	desk_init(desk);
	hold_all(desk, held);
	*ret_missing = flow(desk, 7);
}

static void what_was_asked_for_and_not_told_is_lacking_until_all_agree(void **state)
{
	struct table_entry missing;
	struct held held;
	struct desk desk;
	uint32_t asked;

	(void)state;
	lacking_init(&desk, &held, &missing);
	asked = count_in_region(&desk, &missing);
	assert_int_equal(pass(&desk, &missing), 0);
	assert_int_equal(pass(&desk, &missing), 1);
	assert_int_equal(count_held(&desk), FLOWS);
	pass(&desk, &missing); /* told again, and in doubt */
	acknowledge_all(&desk);
	assert_int_equal(count_held(&desk), FLOWS);
	pass(&desk, &missing);
	acknowledge_all(&desk);
	assert_int_equal(count_held(&desk), FLOWS - asked);
	pass(&desk, NULL);
	assert_int_equal(count_held(&desk), FLOWS - asked);
	pass(&desk, NULL);
	assert_int_equal(count_held(&desk), FLOWS);
	assert_false(held.doubts);
	held_destroy(&held);
	desk_free(&desk);
}

static void what_was_asked_for_and_told_is_held(void **state)
{
	struct table_entry missing;
	struct held held;
	struct desk desk;

	(void)state;
	lacking_init(&desk, &held, &missing);
	for (int i = 0; i < 3; i++)
		pass(&desk, &missing);
	held_put(&held, place_of(&desk, &missing), held_print(&missing));
	pass(&desk, &missing);
	assert_true(held_has(&held, place_of(&desk, &missing), &missing));
	held_destroy(&held);
	desk_free(&desk);
}

/* Nobody will be told what that repair brought. */
static void another_conversation_judges_anew(void **state)
{
	struct table_entry missing;
	struct held held;
	struct desk desk;

	(void)state;
	lacking_init(&desk, &held, &missing);
	for (int i = 0; i < 3; i++)
		pass(&desk, &missing);
	assert_true(held.doubts);
	prover_reset(desk.prover, 2);
	desk.now_us += SECOND_US;
	prove(&desk, NULL);
	assert_int_equal(count_held(&desk), FLOWS);
	held_destroy(&held);
	desk_free(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_to_no_pass_or_of_no_region_is_refused),
		cmocka_unit_test(passes_come_once_a_second_and_cost_a_twentieth),
		cmocka_unit_test(a_pass_without_an_answer_is_given_up),
		cmocka_unit_test(an_entry_is_told_once_more_before_the_age_limit),
		cmocka_unit_test(what_was_asked_for_and_not_told_is_lacking_until_all_agree),
		cmocka_unit_test(what_was_asked_for_and_told_is_held),
		cmocka_unit_test(another_conversation_judges_anew),
	};

	return cmocka_run_group_tests_name("prover", tests, NULL, NULL);
}
