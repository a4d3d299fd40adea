// SPDX-License-Identifier: GPL-2.0-or-later
/* The search tree of the lists finds what a walk over all prefixes finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "guard/guard.h"
#include "guard/tree.h"

#define PREFIXES_MAX 131072

struct lab {
	struct prefixes prefixes;
	struct lbd_acl_entry *entries;
	uint32_t count;
	uint64_t seed;
};

static int lab_setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	lab->prefixes.max = PREFIXES_MAX;
	lab->entries = calloc(guard_room(PREFIXES_MAX), sizeof(*lab->entries));
	lab->seed = 1;
	assert_non_null(lab->entries);
	*state = lab;
	return 0;
}

static int lab_teardown(void **state)
{
	struct lab *lab = *state;

	prefixes_free(&lab->prefixes);
	free(lab->entries);
	free(lab);
	return 0;
}

static uint64_t lab_random(struct lab *lab)
{
	lab->seed = lab->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return lab->seed >> 33 ^ lab->seed << 31;
}

static void lab_add_prefix(struct lab *lab, uint8_t list, const struct addr_prefix *prefix)
{
	assert_int_equal(prefixes_add(&lab->prefixes, list, prefix), 0);
}

static void lab_add(struct lab *lab, uint8_t list, const char *text)
{
	struct addr_prefix prefix;

	assert_int_equal(addr_parse_prefix(text, &prefix), 0);
	lab_add_prefix(lab, list, &prefix);
}

static int lab_try(struct lab *lab, uint32_t room)
{
	struct ranges v4, v6;
	int rc;

	assert_int_equal(ranges_make(&lab->prefixes, false, &v4), 0);
	assert_int_equal(ranges_make(&lab->prefixes, true, &v6), 0);
	rc = tree_make(&v4, &v6, lab->entries, room, &lab->count);
	ranges_free(&v4);
	ranges_free(&v6);
	return rc;
}

static void lab_build(struct lab *lab)
{
	assert_int_equal(lab_try(lab, guard_room(PREFIXES_MAX)), 0);
}

static uint32_t lab_naive(const struct lab *lab, const struct lbd_addr *addr)
{
	uint32_t lists = 0;

	for (uint32_t i = 0; i < lab->prefixes.count; i++) {
		const struct guard_prefix *prefix = &lab->prefixes.all[i];

		if (lbd_addr_is4(addr) == lbd_addr_is4(&prefix->prefix.addr) &&
		    addr_in_prefix(addr, &prefix->prefix))
			lists |= 1U << prefix->list;
	}
	return lists;
}

static void lab_compare(const struct lab *lab, const struct lbd_addr *addr)
{
	uint32_t found = tree_find(lab->entries, addr), expected = lab_naive(lab, addr);
	char text[ADDR_TEXT_MAX];

	if (found != expected)
		fail_msg("%s: found %#x, expected %#x", addr_format(addr, text), found, expected);
}

/* As it is, one lower and one higher: the edges of a range. */
static void lab_compare_around(const struct lab *lab, struct lbd_addr addr, uint32_t step)
{
	int from = lbd_addr_is4(&addr) ? 12 : 0, at = 15;

	for (; step && at >= from && addr.bytes[at] == (step == 1 ? 0xff : 0); at--)
		addr.bytes[at] += (uint8_t)step;
	if (at >= from)
		addr.bytes[at] += (uint8_t)step;
	lab_compare(lab, &addr);
}

static struct lbd_addr lab_last(const struct addr_prefix *prefix)
{
	struct lbd_addr addr = prefix->addr;
	unsigned int bits = lbd_addr_is4(&addr) ? 96U + prefix->length : prefix->length;

	for (; bits < 128; bits++)
		addr.bytes[bits / 8] |= (uint8_t)(0x80 >> bits % 8);
	return addr;
}

static void lab_compare_edges(const struct lab *lab, uint32_t each)
{
	for (uint32_t i = 0; i < lab->prefixes.count; i += each) {
		const struct addr_prefix *prefix = &lab->prefixes.all[i].prefix;

		lab_compare_around(lab, prefix->addr, 0);
		lab_compare_around(lab, prefix->addr, (uint32_t)-1);
		lab_compare_around(lab, lab_last(prefix), 0);
		lab_compare_around(lab, lab_last(prefix), 1);
	}
}

static struct lbd_addr lab_random_addr(struct lab *lab, bool v6)
{
	struct lbd_addr addr = { .halves = { lab_random(lab), lab_random(lab) } };

	return v6 ? addr : lbd_addr_from4((__be32)lab_random(lab));
}

/* @shared bits of all addresses are the same, so that prefixes nest and touch. */
static struct lbd_addr lab_near_addr(struct lab *lab, bool v6, unsigned int shared)
{
	struct lbd_addr addr = lab_random_addr(lab, v6);

	for (unsigned int bit = v6 ? 0 : 96; bit < (v6 ? shared : 96 + shared); bit++)
		addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (v6)
		addr.bytes[0] |= 0x20;
	return addr;
}

static void lab_add_random(struct lab *lab, uint32_t count, bool v6, unsigned int shared,
			   unsigned int shortest, unsigned int longest)
{
	for (uint32_t i = 0; i < count; i++) {
		struct addr_prefix prefix = { .addr = lab_near_addr(lab, v6, shared) };
		unsigned int bits;

		prefix.length = (uint8_t)(shortest + lab_random(lab) % (longest - shortest + 1));
		bits = v6 ? prefix.length : 96U + prefix.length;
		for (; bits < 128; bits++)
			prefix.addr.bytes[bits / 8] &= (uint8_t) ~(0x80 >> bits % 8);
		lab_add_prefix(lab, (uint8_t)(lab_random(lab) % LBD_LISTS_MAX), &prefix);
	}
}

static void lab_compare_random(struct lab *lab, uint32_t count, bool v6, unsigned int shared)
{
	for (uint32_t i = 0; i < count; i++) {
		struct lbd_addr addr = lab_near_addr(lab, v6, shared);

		lab_compare(lab, &addr);
	}
}

static void test_no_prefix_is_on_no_list(void **state)
{
	struct lab *lab = *state;

	lab_build(lab);
	assert_int_equal(lab->count, 2);
	lab_compare_random(lab, 100, false, 0);
	lab_compare_random(lab, 100, true, 0);
}

static void test_everything_and_single_addresses(void **state)
{
	static const char *const prefixes[] = {
		"0.0.0.0/0",
		"0.0.0.0/32",
		"255.255.255.255/32",
		"192.0.2.1/32",
		"192.0.2.2/32",
		"::/0",
		"::/128",
		"2001:db8::1/128",
		"2001:db8::2/128",
		"2001:db8:0:1::/64",
		"2001:db8:0:2::/128",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		"ffff:ffff:ffff:ffff::/64",
	};
	struct lab *lab = *state;

	for (uint8_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		lab_add(lab, i, prefixes[i]);
	lab_build(lab);
	lab_compare_edges(lab, 1);
	lab_compare_random(lab, 1000, false, 0);
	lab_compare_random(lab, 1000, true, 0);
}

static void test_duplicate_nested_and_adjacent_prefixes(void **state)
{
	static const char *const prefixes[] = {
		"10.0.0.0/8",	   "10.0.0.0/8",	 "10.0.0.0/9",	  "10.128.0.0/9",
		"10.64.0.0/10",	   "10.64.0.0/11",	 "11.0.0.0/8",	  "2001:db8::/32",
		"2001:db8::/33",   "2001:db8:8000::/33", "2001:db9::/32", "2001:db8::/127",
		"2001:db8::2/127", "2001:db8::/65",
	};
	struct lab *lab = *state;

	for (uint8_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		lab_add(lab, i % 3, prefixes[i]);
	lab_build(lab);
	lab_compare_edges(lab, 1);
}

static void test_random_prefixes_of_all_lengths(void **state)
{
	struct lab *lab = *state;

	for (unsigned int shared = 0; shared <= 24; shared += 8) {
		lab_add_random(lab, 150, false, shared, 0, 32);
		lab_add_random(lab, 150, true, 2 * shared, 0, 128);
		lab_add_random(lab, 50, true, 100, 101, 128);
	}
	lab_build(lab);
	lab_compare_edges(lab, 1);
	for (unsigned int shared = 0; shared <= 24; shared += 8) {
		lab_compare_random(lab, 2000, false, shared);
		lab_compare_random(lab, 2000, true, 2 * shared);
		lab_compare_random(lab, 2000, true, 100);
	}
}

/* Two lists in turn on ::/1, ::/2, ...: each range is half as wide as the next. */
static void test_ranges_that_halve_down_to_one_address(void **state)
{
	struct lab *lab = *state;

	for (uint8_t length = 0; length <= 128; length++) {
		struct addr_prefix v6 = { .length = length };
		struct addr_prefix v4 = { lbd_addr_from4(0), length };

		v6.addr.bytes[0] = length > 2 ? 0x20 : 0;
		lab_add_prefix(lab, length % LBD_LISTS_MAX, &v6);
		if (length <= 32)
			lab_add_prefix(lab, length % LBD_LISTS_MAX, &v4);
	}
	lab_build(lab);
	lab_compare_edges(lab, 1);
}

static void lab_measure(struct lab *lab, const char *what)
{
	clock_t begun = clock();

	lab_build(lab);
	print_message("%s: %u prefixes, %u places, %ld ms to build under sanitizers\n", what,
		      lab->prefixes.count, lab->count, (clock() - begun) * 1000 / CLOCKS_PER_SEC);
	lab_compare_edges(lab, 997);
}

static void test_100000_prefixes_spread_evenly(void **state)
{
	struct lab *lab = *state;

	lab_add_random(lab, 50000, false, 0, 12, 32);
	lab_add_random(lab, 50000, true, 3, 32, 64);
	lab_measure(lab, "spread");
}

static void test_100000_prefixes_of_single_addresses(void **state)
{
	struct lab *lab = *state;

	lab_add_random(lab, 50000, false, 8, 32, 32);
	lab_add_random(lab, 50000, true, 32, 128, 128);
	lab_measure(lab, "single");
}

static void test_what_does_not_fit_is_refused(void **state)
{
	struct lab *lab = *state;

	lab_add_random(lab, 1000, false, 0, 16, 32);
	assert_int_equal(lab_try(lab, 1000), -ENOSPC);
	assert_int_equal(lab_try(lab, 1), -ENOSPC);
	assert_int_equal(lab_try(lab, guard_room(1000)), 0);
	lab_compare_edges(lab, 1);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_no_prefix_is_on_no_list),
		LAB(test_everything_and_single_addresses),
		LAB(test_duplicate_nested_and_adjacent_prefixes),
		LAB(test_random_prefixes_of_all_lengths),
		LAB(test_ranges_that_halve_down_to_one_address),
		LAB(test_100000_prefixes_spread_evenly),
		LAB(test_100000_prefixes_of_single_addresses),
		LAB(test_what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
