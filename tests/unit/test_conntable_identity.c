// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is found in the connection table, and what races and killed writers leave there. */
#include "base/addr.h"
#include "conntable_fixture.h"

#define BUCKETS 1024U

static const struct lbd_secret secret = { { 0x1122334455667788ULL, 0x99aabbccddeeff00ULL } };

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

static struct lbd_addr addr(const char *text)
{
	struct lbd_addr ret;

	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
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
	const struct CMUnitTest tests[] = {
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

	return cmocka_run_group_tests_name("conntable identity", tests, NULL, NULL);
}
