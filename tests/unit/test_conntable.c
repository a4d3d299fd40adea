// SPDX-License-Identifier: GPL-2.0-or-later
/* The connection table by itself: who is found, who gives way, what a killed writer leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/addr.h"
#include "dataplane/tables.h"

#define NOW 100000U
#define BUCKETS 1024U
#define SLOTS (2 * LBD_BUCKET_SLOTS)
#define GUARD 5

static const struct lbd_timeouts timeouts = { 900, 60, 30, 10, GUARD };
static const struct lbd_secret secret = { { 0x1122334455667788ULL, 0x99aabbccddeeff00ULL } };

/* A pair of buckets with nothing around it, IPv6 in layout; IPv4 ignores the clients. */
struct lab {
	struct lbd_bucket6 buckets[2];
	struct lbd_pair pair;
};

static int setup(void **state)
{
	struct lab *lab = aligned_alloc(64, (sizeof(*lab) + 63) / 64 * 64);

	memset(lab, 0, sizeof(*lab));
	for (int i = 0; i < 2; i++)
		lab->pair.bucket[i] = &lab->buckets[i].line;
	*state = lab;
	return 0;
}

static int setup6(void **state)
{
	struct lab *lab;

	setup(state);
	lab = *state;
	for (int i = 0; i < 2; i++)
		lab->pair.client[i] = lab->buckets[i].client;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct lbd_addr addr(const char *text)
{
	struct lbd_addr ret;

	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
}

/* IPv4 flow number @n: one client, many ports. */
static struct lbd_flow flow4(uint16_t n)
{
	return lbd_flow4(htonl(0xc6120001), htons(n), 1, htons(443));
}

static uint64_t value_of(uint16_t backend, uint64_t flags, uint32_t idle)
{
	return lbd_value_make(backend, htons(443), flags, NOW - idle);
}

static bool insert(const struct lab *lab, const struct lbd_flow *flow, uint64_t value)
{
	return lbd_pair_insert(&lab->pair, flow, value, NOW, &timeouts, LBD_KEY_CLAIMED_USER);
}

/* Where the flow stands, 0..7, SLOTS if nowhere; *ret is its backend. */
static uint32_t find(const struct lab *lab, const struct lbd_flow *flow, uint16_t *ret)
{
	__u64 value = 0;

	for (uint32_t b = 0; b < 2; b++) {
		uint32_t slot =
			lbd_bucket_find(lab->pair.bucket[b], lab->pair.client[b], flow, &value);

		*ret = lbd_value_backend(value);
		if (slot < LBD_BUCKET_SLOTS)
			return b * LBD_BUCKET_SLOTS + slot;
	}
	return SLOTS;
}

static uint32_t place(const struct lab *lab, const struct lbd_flow *flow)
{
	uint16_t backend;

	return find(lab, flow, &backend);
}

/* Put a flow straight into a slot, without rules. */
static void fill(struct lab *lab, uint32_t slot, uint64_t key, uint64_t value)
{
	lab->buckets[slot / LBD_BUCKET_SLOTS].line.key[slot % LBD_BUCKET_SLOTS] = key;
	lab->buckets[slot / LBD_BUCKET_SLOTS].line.value[slot % LBD_BUCKET_SLOTS] = value;
}

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

/* --- who is who */

static void a_flow_is_found_with_its_value_and_only_itself(void **state)
{
	const struct lbd_flow flow = lbd_flow4(htonl(0xc6120001), htons(1000), 7, htons(443));
	const struct lbd_flow others[] = {
		lbd_flow4(htonl(0xc6120002), htons(1000), 7, htons(443)),
		lbd_flow4(htonl(0xc6120001), htons(1001), 7, htons(443)),
		lbd_flow4(htonl(0xc6120001), htons(1000), 8, htons(443)),
		lbd_flow4(htonl(0xc6120001), htons(1000), 7, htons(80)),
	};
	struct lab *lab = *state;
	uint16_t backend;

	assert_int_equal(place(lab, &flow), SLOTS);
	assert_true(insert(lab, &flow, value_of(42, 0, 0)));
	assert_int_not_equal(find(lab, &flow, &backend), SLOTS);
	assert_int_equal(backend, 42);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(place(lab, &others[i]), SLOTS);
}

static void one_client_to_two_ports_of_a_service_is_two_flows(void **state)
{
	const struct lbd_flow web = lbd_flow4(htonl(0xc6120001), htons(1000), 7, htons(80));
	const struct lbd_flow tls = lbd_flow4(htonl(0xc6120001), htons(1000), 7, htons(443));
	struct lab *lab = *state;
	uint16_t backend;

	assert_int_equal(web.key, tls.key);
	assert_true(insert(lab, &web, lbd_value_make(1, web.dport, 0, NOW)));
	assert_true(insert(lab, &tls, lbd_value_make(2, tls.dport, 0, NOW)));
	find(lab, &web, &backend);
	assert_int_equal(backend, 1);
	find(lab, &tls, &backend);
	assert_int_equal(backend, 2);
}

/* The tag is 32 of 128 bits and not keyed: whoever wants clients of one tag can have them. */
static void ipv6_clients_of_one_tag_are_two_flows(void **state)
{
	const struct lbd_addr a = addr("2001:db8::1");
	const struct lbd_addr b = { .halves = { a.halves[0] ^ lbd_mix(a.halves[1]) ^ lbd_mix(99),
						99 } };
	const struct lbd_flow one = lbd_flow6(&a, htons(1000), 7, htons(443));
	const struct lbd_flow two = lbd_flow6(&b, htons(1000), 7, htons(443));
	struct lab *lab = *state;
	uint16_t backend;

	assert_int_equal(one.key, two.key);
	assert_true(insert(lab, &one, value_of(1, 0, 0)));
	assert_int_equal(place(lab, &two), SLOTS);
	assert_true(insert(lab, &two, value_of(2, 0, 0)));
	find(lab, &one, &backend);
	assert_int_equal(backend, 1);
	find(lab, &two, &backend);
	assert_int_equal(backend, 2);
}

static void a_slot_that_changed_hands_is_not_taken(void **state)
{
	struct lab *lab = *state;
	struct lbd_flow mine = flow4(1), theirs = flow4(2);

	fill(lab, 0, theirs.key, value_of(1, 0, 0));
	assert_false(lbd_bucket_take(lab->pair.bucket[0], NULL, 0, LBD_KEY_EMPTY, &mine,
				     value_of(2, 0, 0), LBD_KEY_CLAIMED_USER));
	assert_int_equal(lab->buckets[0].line.key[0], theirs.key);
	assert_int_equal(place(lab, &mine), SLOTS);
}

static void of_two_entries_of_a_flow_the_first_stays(void **state)
{
	struct lab *lab = *state;
	struct lbd_flow twice = flow4(1), other = flow4(2);
	uint16_t backend;

	fill(lab, 2, twice.key, value_of(1, 0, 0));
	fill(lab, 3, other.key, value_of(3, 0, 0));
	fill(lab, 6, twice.key, value_of(2, 0, 0));
	lbd_pair_dedupe(&lab->pair, &twice);
	assert_int_equal(find(lab, &twice, &backend), 2);
	assert_int_equal(backend, 1);
	assert_int_equal(lab->buckets[1].line.key[2], LBD_KEY_EMPTY);
	assert_int_equal(place(lab, &other), 3);
}

static void a_flow_whose_two_buckets_are_one_survives_dedupe(void **state)
{
	struct lab *lab = *state;
	struct lbd_flow flow = flow4(1);

	lab->pair.bucket[1] = lab->pair.bucket[0];
	assert_true(insert(lab, &flow, value_of(1, 0, 0)));
	assert_in_range(place(lab, &flow), 0, LBD_BUCKET_SLOTS - 1);
}

static void only_claims_of_user_space_are_swept(void **state)
{
	struct lab *lab = *state;
	struct lbd_bucket *bucket = lab->pair.bucket[0];

	fill(lab, 0, LBD_KEY_CLAIMED_USER, 0);
	fill(lab, 1, LBD_KEY_CLAIMED_BPF, 0);
	fill(lab, 2, flow4(1).key, value_of(1, 0, 0));
	fill(lab, 3, LBD_KEY_CLAIMED_USER, 0);
	assert_int_equal(lbd_bucket_sweep(bucket), 2);
	assert_int_equal(bucket->key[0], LBD_KEY_EMPTY);
	assert_int_equal(bucket->key[1], LBD_KEY_CLAIMED_BPF);
	assert_int_equal(bucket->key[2], flow4(1).key);
	assert_int_equal(bucket->key[3], LBD_KEY_EMPTY);
	assert_int_equal(lbd_bucket_sweep(bucket), 0);
}

static void in_a_table_half_full_hardly_a_flow_finds_no_place(void **state)
{
	const uint16_t flows = BUCKETS * LBD_BUCKET_SLOTS / 2;
	struct lbd_bucket *table = aligned_alloc(64, BUCKETS * sizeof(*table));
	uint32_t entered = 0, standing = 0;

	(void)state;
	memset(table, 0, BUCKETS * sizeof(*table));
	for (uint16_t n = 0; n < flows; n++) {
		struct lbd_flow flow = flow4(n);
		uint64_t hash = lbd_flow_hash(&flow, 0, &secret);
		struct lbd_pair pair = { { &table[lbd_flow_bucket(hash, 0, BUCKETS - 1)],
					   &table[lbd_flow_bucket(hash, 1, BUCKETS - 1)] },
					 { NULL, NULL } };

		entered += lbd_pair_insert(&pair, &flow, value_of(1, LBD_CONN_CONFIRMED, 0), NOW,
					   &timeouts, LBD_KEY_CLAIMED_USER);
	}
	for (uint32_t i = 0; i < BUCKETS * LBD_BUCKET_SLOTS; i++)
		standing += lbd_key_is_flow(table[i / 4].key[i % 4]);
	assert_int_equal(standing, entered);
	assert_in_range(entered, flows * 99 / 100, flows);
	free(table);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST6(name) cmocka_unit_test_setup_teardown(name, setup6, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_value_keeps_its_parts_apart),
		TEST(no_flow_looks_empty_or_claimed),
		TEST(ages_hold_across_the_wrap),
		TEST(what_nobody_touched_for_months_still_gives_way),
		TEST(each_kind_of_entry_has_its_timeout),
		TEST(masks_rank_as_words_do),
		TEST(slots_are_taken_from_the_cheapest_on),
		TEST(the_young_and_confirmed_are_never_displaced),
		TEST(a_claimed_slot_is_never_taken),
		TEST(empty_slots_come_first_and_the_first_bucket_a_little_before_the_second),
		TEST(a_flow_is_found_with_its_value_and_only_itself),
		TEST6(a_flow_is_found_with_its_value_and_only_itself),
		TEST(one_client_to_two_ports_of_a_service_is_two_flows),
		TEST6(ipv6_clients_of_one_tag_are_two_flows),
		TEST(a_slot_that_changed_hands_is_not_taken),
		TEST(of_two_entries_of_a_flow_the_first_stays),
		TEST(a_flow_whose_two_buckets_are_one_survives_dedupe),
		TEST(only_claims_of_user_space_are_swept),
		TEST(in_a_table_half_full_hardly_a_flow_finds_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
