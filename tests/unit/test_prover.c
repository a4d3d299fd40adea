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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_to_no_pass_or_of_no_region_is_refused),
		cmocka_unit_test(passes_come_once_a_second_and_cost_a_twentieth),
		cmocka_unit_test(a_pass_without_an_answer_is_given_up),
		cmocka_unit_test(an_entry_is_told_once_more_before_the_age_limit),
	};

	return cmocka_run_group_tests_name("prover", tests, NULL, NULL);
}
