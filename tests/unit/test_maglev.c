// SPDX-License-Identifier: GPL-2.0-or-later
/* Maglev rings: fair, stable, alike on all nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <time.h>

#include "model/maglev.h"

#define SIZE 65537
#define MEMBERS_MAX 300

static const struct lbd_secret secret = { { 0x0123456789abcdefULL, 0xfedcba9876543210ULL } };

struct lab {
	struct maglev_member members[MEMBERS_MAX];
	uint16_t ring[SIZE];
	uint32_t places[MEMBERS_MAX + 1]; /* by index */
};

/* Members 1..count of equal weight: 198.18.0.1 and on, every third an IPv6 address. */
static void lab_members(struct lab *lab, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct maglev_member *member = &lab->members[i];

		member->index = (uint16_t)(i + 1);
		member->weight = 100;
		member->addr = lbd_addr_from4(htonl(0xc6120001 + i));
		if (i % 3 == 0)
			member->addr = (struct lbd_addr){ .words = { htonl(0x20010db8), 0, 0,
								     htonl(i + 1) } };
	}
}

static int lab_build(struct lab *lab, uint32_t count)
{
	int placed = maglev_build(&secret, lab->members, count, lab->ring, SIZE);

	memset(lab->places, 0, sizeof(lab->places));
	for (uint32_t i = 0; i < SIZE; i++)
		if (lab->ring[i] <= MEMBERS_MAX)
			lab->places[lab->ring[i]]++;
	return placed;
}

/* Build a ring of @count equal members; returns a copy to compare with, to be freed. */
static uint16_t *lab_build_equal(struct lab *lab, uint32_t count)
{
	uint16_t *copy = malloc(sizeof(lab->ring));

	assert_non_null(copy);
	lab_members(lab, count);
	lab_build(lab, count);
	return memcpy(copy, lab->ring, sizeof(lab->ring));
}

static uint32_t differing(const uint16_t *a, const uint16_t *b)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < SIZE; i++)
		count += a[i] != b[i];
	return count;
}

/* How many places change when one of @count equal members gets @weight. */
static uint32_t disturbed_by_weight(struct lab *lab, uint32_t count, uint32_t weight)
{
	uint16_t *before = lab_build_equal(lab, count);
	uint32_t ret;

	lab->members[count / 3].weight = weight;
	lab_build(lab, count);
	ret = differing(before, lab->ring);
	free(before);
	return ret;
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct lab));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void primes_are_told_from_the_rest(void **state)
{
	static const uint32_t primes[] = { 2, 3, 251, 65537, 1048573, 4294967291U };
	static const uint32_t others[] = { 0, 1, 4, 9, 255, 65536, 1048577, 4294967295U };

	(void)state;
	for (size_t i = 0; i < sizeof(primes) / sizeof(*primes); i++)
		assert_true(maglev_is_prime(primes[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(maglev_is_prime(others[i]));
}

static void every_place_is_given_to_a_member(void **state)
{
	struct lab *lab = *state;

	lab_members(lab, 7);
	assert_int_equal(lab_build(lab, 7), 7);
	assert_int_equal(lab->places[0], 0);
	for (uint32_t i = 0; i < SIZE; i++)
		assert_in_range(lab->ring[i], 1, 7);
}

static void equal_members_get_equal_shares(void **state)
{
	struct lab *lab = *state;
	const uint32_t counts[] = { 1, 2, 3, 10, 100, MEMBERS_MAX };

	for (size_t n = 0; n < sizeof(counts) / sizeof(*counts); n++) {
		uint32_t fair = SIZE / counts[n];

		lab_members(lab, counts[n]);
		assert_int_equal(lab_build(lab, counts[n]), counts[n]);
		for (uint32_t i = 1; i <= counts[n]; i++)
			assert_in_range(lab->places[i], fair * 99 / 100, fair * 101 / 100 + 1);
	}
}

static void shares_follow_the_weights(void **state)
{
	static const uint32_t weights[] = { 100, 50, 300, 1, 0, 49 };
	struct lab *lab = *state;

	lab_members(lab, 6);
	for (int i = 0; i < 6; i++)
		lab->members[i].weight = weights[i];
	assert_int_equal(lab_build(lab, 6), 5);
	for (int i = 0; i < 6; i++)
		assert_in_range(lab->places[i + 1], SIZE * weights[i] / 500 * 98 / 100,
				SIZE * weights[i] / 500 * 102 / 100 + 2);
}

static void a_weight_of_zero_takes_nothing(void **state)
{
	struct lab *lab = *state;

	lab_members(lab, 3);
	lab->members[1].weight = 0;
	assert_int_equal(lab_build(lab, 3), 2);
	assert_int_equal(lab->places[2], 0);
	lab->members[0].weight = lab->members[2].weight = 0;
	assert_int_equal(lab_build(lab, 3), 0);
	assert_int_equal(lab->places[0], SIZE);
	assert_int_equal(lab_build(lab, 0), 0);
	assert_int_equal(lab->places[0], SIZE);
}

static void a_member_that_leaves_disturbs_little_more_than_its_share(void **state)
{
	assert_in_range(disturbed_by_weight(*state, 100, 0), SIZE / 100, SIZE / 100 * 2);
}

static void a_changed_weight_disturbs_little_more_than_the_change(void **state)
{
	/* 100 of 1000 become 50 of 950; everybody's turns shift by a little beside that. */
	assert_in_range(disturbed_by_weight(*state, 10, 50), SIZE * 47 / 1000,
			SIZE * 47 / 1000 * 2);
}

static void the_order_of_members_does_not_matter(void **state)
{
	const uint32_t count = 50;
	struct lab *lab = *state;
	uint16_t *before = lab_build_equal(lab, count);

	for (uint32_t i = 0; i < count / 2; i++) {
		struct maglev_member swap = lab->members[i];

		lab->members[i] = lab->members[count - 1 - i];
		lab->members[count - 1 - i] = swap;
	}
	lab_build(lab, count);
	assert_int_equal(differing(before, lab->ring), 0);
	free(before);
}

static void other_indexes_for_the_same_members_give_the_same_picks(void **state)
{
	const uint32_t count = 50;
	struct lab *lab = *state;
	uint16_t *before = lab_build_equal(lab, count);

	for (uint32_t i = 0; i < count; i++)
		lab->members[i].index = (uint16_t)(200 - i);
	lab_build(lab, count);
	for (uint32_t i = 0; i < SIZE; i++)
		assert_int_equal(lab->ring[i], 201 - before[i]);
	free(before);
}

static void another_secret_gives_another_ring(void **state)
{
	struct lbd_secret other = secret;
	const uint32_t count = 10;
	struct lab *lab = *state;
	uint16_t *before = malloc(sizeof(lab->ring));

	lab_members(lab, count);
	for (int word = 0; word < 2; word++) {
		lab_build(lab, count);
		memcpy(before, lab->ring, sizeof(lab->ring));
		other = secret;
		other.words[word] ^= 1;
		maglev_build(&other, lab->members, count, lab->ring, SIZE);
		/* Nine of ten places differ if they have nothing to do with each other. */
		assert_in_range(differing(before, lab->ring), SIZE * 85 / 100, SIZE * 95 / 100);
	}
	free(before);
}

static void a_small_ring_holds_at_most_its_places(void **state)
{
	struct lab *lab = *state;
	uint32_t taken = 0;
	int placed;

	lab_members(lab, 20);
	placed = maglev_build(&secret, lab->members, 20, lab->ring, 13);
	memset(lab->places, 0, sizeof(lab->places));
	for (int i = 0; i < 13; i++)
		lab->places[lab->ring[i]]++;
	for (int i = 1; i <= 20; i++)
		taken += lab->places[i] > 0;
	assert_int_equal(lab->places[0], 0);
	assert_int_equal(placed, taken);
}

static void a_hundred_backends_take_milliseconds(void **state)
{
	struct lab *lab = *state;
	struct timespec from, to;

	lab_members(lab, 100);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	lab_build(lab, 100);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	/* 3 ms as shipped; sanitizers cost ten times that. */
	assert_in_range((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000, 0,
			100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primes_are_told_from_the_rest),
		cmocka_unit_test(every_place_is_given_to_a_member),
		cmocka_unit_test(equal_members_get_equal_shares),
		cmocka_unit_test(shares_follow_the_weights),
		cmocka_unit_test(a_weight_of_zero_takes_nothing),
		cmocka_unit_test(a_member_that_leaves_disturbs_little_more_than_its_share),
		cmocka_unit_test(a_changed_weight_disturbs_little_more_than_the_change),
		cmocka_unit_test(the_order_of_members_does_not_matter),
		cmocka_unit_test(other_indexes_for_the_same_members_give_the_same_picks),
		cmocka_unit_test(another_secret_gives_another_ring),
		cmocka_unit_test(a_small_ring_holds_at_most_its_places),
		cmocka_unit_test(a_hundred_backends_take_milliseconds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
