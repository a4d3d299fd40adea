// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries of the connection table by age and kind: who gives way to whom. */
#include "conntable_fixture.h"

/* --- words */

static void a_value_keeps_its_parts_apart(void **state)
{
	uint64_t value = lbd_value_make(0xfedc, htons(65535), LBD_CONN_FLAGS, LBD_TICK_MASK);

	(void)state;
	assert_int_equal(lbd_value_backend(value), 0xfedc);
	assert_int_equal(lbd_value_dport(value), htons(65535));
	assert_int_equal(lbd_value_tick(value), LBD_TICK_MASK);
	value = lbd_value_with_tick(value, LBD_TICK_MASK + 8);
	assert_int_equal(lbd_value_tick(value), 7);
	assert_int_equal(lbd_value_backend(value), 0xfedc);
	assert_int_equal(value & LBD_CONN_FLAGS, LBD_CONN_FLAGS);
}

static void no_flow_looks_empty_or_claimed(void **state)
{
	struct lbd_flow low = lbd_flow4(0, 0, LBD_SERVICE_ID_MIN, 0);
	struct lbd_flow high = lbd_flow4(0xffffffff, 0xffff, LBD_SERVICE_ID_MAX, 0);

	(void)state;
	assert_true(lbd_key_is_flow(low.key));
	assert_true(lbd_key_is_flow(high.key));
	assert_false(lbd_key_is_flow(LBD_KEY_EMPTY));
	assert_false(lbd_key_is_flow(LBD_KEY_CLAIMED_BPF));
	assert_false(lbd_key_is_flow(LBD_KEY_CLAIMED_USER));
}

static void ages_hold_across_the_wrap(void **state)
{
	static const struct {
		uint32_t written, now, idle;
	} cases[] = {
		{ 100, 100, 0 },
		{ 100, 160, 60 },
		{ LBD_TICK_MASK, 0, 1 },
		{ LBD_TICK_MASK - 9, 50, 60 },
		{ 0, LBD_TICK_MASK / 2 + 5, LBD_TICK_MASK / 2 + 5 }, /* months */
		{ 101, 100, 0 },				     /* the clocks disagree */
		{ 0, LBD_TICK_MASK, 0 },
		{ 100, 100 + LBD_TICK_AHEAD_MAX, LBD_TICK_AHEAD_MAX },
		{ 100 + LBD_TICK_AHEAD_MAX, 100, 0 },
		{ 101 + LBD_TICK_AHEAD_MAX, 100, LBD_TICK_MASK - LBD_TICK_AHEAD_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
			lbd_value_idle(lbd_value_make(1, 0, 0, cases[i].written), cases[i].now),
			cases[i].idle);
}

static void what_nobody_touched_for_months_still_gives_way(void **state)
{
	struct lab *lab = *state;
	struct lbd_flow newcomer = flow4(100);

	for (uint32_t i = 0; i < SLOTS; i++)
		fill(lab, i, flow4((uint16_t)i).key,
		     value_of(1, LBD_CONN_CONFIRMED, LBD_TICK_MASK / 2 + 1000 + i));
	assert_true(insert(lab, &newcomer, value_of(2, 0, 0)));
	assert_int_equal(place(lab, &newcomer), SLOTS - 1);
}

static void each_kind_of_entry_has_its_timeout(void **state)
{
	static const struct {
		uint64_t flags;
		uint32_t timeout;
	} cases[] = {
		{ 0, 10 },
		{ LBD_CONN_UDP, 10 },
		{ LBD_CONN_CONFIRMED, 900 },
		{ LBD_CONN_CONFIRMED | LBD_CONN_UDP, 60 },
		{ LBD_CONN_CONFIRMED | LBD_CONN_CLOSING, 30 },
		{ LBD_CONN_CLOSING, 10 }, /* an RST */
		{ LBD_CONN_CONFIRMED | LBD_CONN_REMOTE, 900 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t at = value_of(1, cases[i].flags, cases[i].timeout);
		uint64_t after = value_of(1, cases[i].flags, cases[i].timeout + 1);

		assert_false(lbd_value_expired(at, NOW, &timeouts));
		assert_true(lbd_value_expired(after, NOW, &timeouts));
	}
}

/* --- the order in which slots are taken: by masks in the header, in words here */

static uint64_t rank_in_words(uint64_t key, uint64_t value)
{
	uint32_t idle = lbd_value_idle(value, NOW), youth = LBD_TICK_MASK - idle;

	if (key == LBD_KEY_EMPTY)
		return LBD_RANK_EMPTY;
	if (!lbd_key_is_flow(key))
		return LBD_RANK_NEVER;
	if (lbd_value_expired(value, NOW, &timeouts))
		return LBD_RANK_EXPIRED + youth;
	if (!(value & LBD_CONN_CONFIRMED))
		return LBD_RANK_UNCONFIRMED + youth;
	return idle < GUARD ? LBD_RANK_NEVER : LBD_RANK_CONFIRMED + youth;
}

static void masks_rank_as_words_do(void **state)
{
	static const uint64_t keys[] = { LBD_KEY_EMPTY,
					 LBD_KEY_CLAIMED_BPF,
					 LBD_KEY_CLAIMED_USER,
					 1,
					 LBD_KEY_CLAIMED_USER - 14,
					 1ULL << 63 };
	static const uint32_t idles[] = { 0,
					  1,
					  4,
					  5,
					  9,
					  10,
					  11,
					  29,
					  30,
					  31,
					  60,
					  61,
					  90,
					  900,
					  901,
					  LBD_TICK_MASK - 256,
					  LBD_TICK_MASK - 255,
					  LBD_TICK_MASK };

	(void)state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		for (size_t i = 0; i < sizeof(idles) / sizeof(*idles); i++)
			for (uint64_t flags = 0; flags < 16; flags++) {
				uint64_t value = value_of(0xffff, flags << 32, idles[i]);

				assert_int_equal(lbd_slot_rank(keys[k], value, NOW, &timeouts),
						 rank_in_words(keys[k], value));
			}
}

static void slots_are_taken_from_the_cheapest_on(void **state)
{
	/* All eight slots, and the order in which newcomers take them. */
	static const struct {
		uint64_t flags;
		uint32_t idle;
		uint32_t turn; /* 0: never */
	} slots[SLOTS] = {
		{ LBD_CONN_CONFIRMED, 4, 0 },			  /* guarded */
		{ LBD_CONN_CONFIRMED, 500, 6 },			  /* the oldest */
		{ 0, 3, 5 },					  /* unconfirmed, younger */
		{ LBD_CONN_CONFIRMED | LBD_CONN_UDP, 61, 2 },	  /* expired */
		{ LBD_CONN_CONFIRMED, 20, 7 },			  /* younger */
		{ LBD_CONN_CONFIRMED, 901, 1 },			  /* expired for longest */
		{ LBD_CONN_CONFIRMED | LBD_CONN_CLOSING, 31, 3 }, /* expired */
		{ 0, 9, 4 },					  /* unconfirmed */
	};
	struct lab *lab = *state;

	for (uint32_t i = 0; i < SLOTS; i++)
		fill(lab, i, flow4((uint16_t)i).key, value_of(1, slots[i].flags, slots[i].idle));
	for (uint16_t turn = 1; turn <= 7; turn++) {
		struct lbd_flow newcomer = flow4(100 + turn);

		/* Confirmed and new, so that it is guarded from the next one. */
		assert_true(insert(lab, &newcomer, value_of(2, LBD_CONN_CONFIRMED, 0)));
		assert_int_equal(slots[place(lab, &newcomer)].turn, turn);
	}
}

/* Services with even ids keep idle connections for 100,000 ticks. */
static const struct lbd_timeouts *by_service(const void *context, uint16_t service)
{
	static const struct lbd_timeouts patient = { 100000, 100000, 100000, 100000, GUARD };

	(void)context;
	return service % 2 ? &timeouts : &patient;
}

static void each_slot_ages_by_its_own_service(void **state)
{
	struct lab *lab = *state;
	struct lbd_flow newcomer = flow4(100);

	/* All idle for long; only that of an impatient service has expired. */
	for (uint32_t i = 0; i < SLOTS; i++)
		fill(lab, i, (flow4((uint16_t)i).key & ~0xffffULL) | (i == 5 ? 3 : 2),
		     value_of(1, LBD_CONN_CONFIRMED, 5000 - i));
	assert_true(lbd_pair_insert_aged(&lab->pair, &newcomer, value_of(2, 0, 0), NOW, by_service,
					 NULL, LBD_KEY_CLAIMED_USER));
	assert_int_equal(place(lab, &newcomer), 5);
}

static void the_young_and_confirmed_are_never_displaced(void **state)
{
	struct lab *lab = *state, before;
	struct lbd_flow newcomer = flow4(100);

	for (uint32_t i = 0; i < SLOTS; i++)
		fill(lab, i, flow4((uint16_t)i).key, value_of(1, LBD_CONN_CONFIRMED, GUARD - 1));
	before = *lab;
	assert_false(insert(lab, &newcomer, value_of(2, LBD_CONN_CONFIRMED, 0)));
	assert_memory_equal(&before, lab, sizeof(before));
}

static void a_claimed_slot_is_never_taken(void **state)
{
	struct lab *lab = *state, before;
	struct lbd_flow newcomer = flow4(100);

	for (uint32_t i = 0; i < SLOTS; i++)
		fill(lab, i, i % 2 ? LBD_KEY_CLAIMED_BPF : LBD_KEY_CLAIMED_USER,
		     value_of(1, 0, 5000));
	before = *lab;
	assert_false(insert(lab, &newcomer, value_of(2, 0, 0)));
	assert_memory_equal(&before, lab, sizeof(before));
}

static uint32_t crowd(const struct lab *lab, uint32_t bucket)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < LBD_BUCKET_SLOTS; i++)
		count += lbd_key_is_flow(lab->buckets[bucket].line.key[i]);
	return count;
}

static void empty_slots_come_first_and_the_first_bucket_a_little_before_the_second(void **state)
{
	struct lab *lab = *state;
	struct lbd_flow expired = flow4(500);
	uint32_t first = 0;

	fill(lab, 7, expired.key, value_of(1, 0, 5000)); /* expired: dearer than empty */
	for (uint16_t n = 0; n < SLOTS - 1; n++) {
		struct lbd_flow flow = flow4(n);

		assert_true(insert(lab, &flow, value_of(n, 0, 0)));
		if (n == 2)
			first = crowd(lab, 0);
	}
	assert_int_equal(first, 3);
	assert_int_equal(place(lab, &expired), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_keeps_its_parts_apart),
		TEST(no_flow_looks_empty_or_claimed),
		TEST(ages_hold_across_the_wrap),
		TEST(what_nobody_touched_for_months_still_gives_way),
		TEST(each_kind_of_entry_has_its_timeout),
		TEST(masks_rank_as_words_do),
		TEST(slots_are_taken_from_the_cheapest_on),
		TEST(each_slot_ages_by_its_own_service),
		TEST(the_young_and_confirmed_are_never_displaced),
		TEST(a_claimed_slot_is_never_taken),
		TEST(empty_slots_come_first_and_the_first_bucket_a_little_before_the_second),
	};

	return cmocka_run_group_tests_name("conntable order", tests, NULL, NULL);
}
