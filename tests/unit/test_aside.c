// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that wait for their config: in order, bounded, the last word of each flow. */
#include "sync_fixture.h"

#include "sync/aside.h"

static struct aside_record record_of(uint32_t n, uint32_t tick)
{
	return (struct aside_record){
		.service = { .vip = fixture_addr("192.0.2.80"), .port = htons(80), .protocol = 6 },
		.backend = fixture_addr("203.0.113.1"),
		.entry = { .client = lbd_addr_from4(htonl(0xc6120000U + n)),
			   .client_port = htons(1024),
			   .vip_port = htons(80),
			   .tick = tick },
	};
}

static int world_setup(void **state)
{
	static const struct lbd_secret secret = { { 1, 2 } };
	struct aside *aside = calloc(1, sizeof(*aside));

	assert_non_null(aside);
	aside_init(aside, &secret);
	*state = aside;
	return 0;
}

static int world_teardown(void **state)
{
	aside_destroy(*state);
	free(*state);
	return 0;
}

static void keep(struct aside *aside, uint32_t n, uint32_t tick)
{
	struct aside_record record = record_of(n, tick);

	aside_keep(aside, &record);
}

/* What a visit has seen, and what becomes of every third record, and of the rest. */
struct visit {
	uint32_t count;
	uint32_t first, last; /* clients */
	uint64_t ticks;	      /* added up */
	enum aside_fate third, rest;
};

static enum aside_fate note(void *context, const struct aside_record *record)
{
	struct visit *visit = context;
	uint32_t n = ntohl(record->entry.client.words[3]) - 0xc6120000U;

	if (visit->count++ == 0)
		visit->first = n;
	visit->last = n;
	visit->ticks += record->entry.tick;
	return n % 3 == 0 ? visit->third : visit->rest;
}

static struct visit look(struct aside *aside)
{
	struct visit visit = { .third = ASIDE_STAYS, .rest = ASIDE_STAYS };

	aside_visit(aside, note, &visit);
	return visit;
}

static void nothing_kept_is_nothing_visited(void **state)
{
	struct aside *aside = *state;

	assert_int_equal(look(aside).count, 0);
	assert_null(aside->records);
}

static void records_are_visited_oldest_first(void **state)
{
	struct aside *aside = *state;
	struct visit visit;

	for (uint32_t n = 5; n < 10; n++)
		keep(aside, n, 1);
	visit = look(aside);
	assert_int_equal(visit.count, 5);
	assert_int_equal(visit.first, 5);
	assert_int_equal(visit.last, 9);
	assert_int_equal(aside->counts.held, 5);
	assert_int_equal(aside->counts.kept, 5);
}

static void the_last_word_of_a_flow_is_kept(void **state)
{
	struct aside *aside = *state;
	struct visit visit;

	keep(aside, 1, 10);
	keep(aside, 2, 10);
	keep(aside, 1, 20);
	visit = look(aside);
	assert_int_equal(visit.count, 2);
	assert_int_equal(visit.ticks, 30);
	assert_int_equal(aside->counts.kept, 2);
}

static void a_second_hand_does_not_replace_the_first(void **state)
{
	struct aside *aside = *state;
	struct aside_record told = record_of(1, 20);

	told.second_hand = true;
	keep(aside, 1, 10);
	aside_keep(aside, &told);
	assert_int_equal(look(aside).ticks, 10);
}

static void flows_of_other_services_are_others(void **state)
{
	struct aside *aside = *state;
	struct aside_record udp = record_of(1, 20);

	udp.service.protocol = 17;
	keep(aside, 1, 10);
	aside_keep(aside, &udp);
	assert_int_equal(look(aside).count, 2);
}

static void what_does_not_stay_is_forgotten_and_counted(void **state)
{
	struct aside *aside = *state;
	struct visit visit = { .third = ASIDE_STAYS, .rest = ASIDE_ENTERED };

	for (uint32_t n = 0; n < 9; n++)
		keep(aside, n, 1);
	aside_visit(aside, note, &visit);
	assert_int_equal(aside->counts.entered, 6);
	assert_int_equal(aside->counts.held, 3);
	keep(aside, 3, 7); /* still found by its flow */
	assert_int_equal(look(aside).count, 3);
	assert_int_equal(look(aside).ticks, 9);
	visit = (struct visit){ .third = ASIDE_EXPIRED, .rest = ASIDE_STAYS };
	aside_visit(aside, note, &visit);
	assert_int_equal(aside->counts.expired, 3);
	assert_int_equal(aside->counts.held, 0);
}

static void the_oldest_are_given_up_for_newer_ones(void **state)
{
	struct aside *aside = *state;
	struct visit visit;

	for (uint32_t n = 0; n < ASIDE_MAX + 1000; n++)
		keep(aside, n, 1);
	assert_int_equal(aside->counts.given_up, 1000);
	visit = look(aside);
	assert_int_equal(visit.count, ASIDE_MAX);
	assert_int_equal(visit.first, 1000);
	assert_int_equal(visit.last, ASIDE_MAX + 999);
	/* Every one of them is found by its flow, after the ring has turned. */
	for (uint32_t n = 1000; n < ASIDE_MAX + 1000; n++)
		keep(aside, n, 2);
	assert_int_equal(aside->counts.kept, ASIDE_MAX + 1000);
	assert_int_equal(look(aside).ticks, 2ULL * ASIDE_MAX);
}

#define ASIDE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASIDE(nothing_kept_is_nothing_visited),
		ASIDE(records_are_visited_oldest_first),
		ASIDE(the_last_word_of_a_flow_is_kept),
		ASIDE(a_second_hand_does_not_replace_the_first),
		ASIDE(flows_of_other_services_are_others),
		ASIDE(what_does_not_stay_is_forgotten_and_counted),
		ASIDE(the_oldest_are_given_up_for_newer_ones),
	};

	return cmocka_run_group_tests_name("aside", tests, NULL, NULL);
}
