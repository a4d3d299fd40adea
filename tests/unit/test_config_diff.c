// SPDX-License-Identifier: GPL-2.0-or-later
/* What two configs differ in, key by key. */
#include <stdio.h>
#include <stdlib.h>

#include "config/diff.h"
#include "config_fixture.h"

#define TEXT_MAX 8192

static void write_down(void *context, const struct config_change *change)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, TEXT_MAX - used, "%s: %s -> %s\n", change->path,
		 change->old ? change->old : "-", change->new ? change->new : "-");
}

static void assert_differ(const char *old, const char *new, const char *expected)
{
	struct config *a = parse_good(old), *b = parse_good(new);
	char text[TEXT_MAX] = "";

	assert_int_equal(config_diff(a, b, write_down, text), 0);
	assert_string_equal(text, expected);
	config_free(a);
	config_free(b);
}

static void the_same_config_differs_in_nothing(void **state)
{
	struct config *a = load_good(EXAMPLE), *b = load_good(EXAMPLE);
	char text[CONFIG_SUMMARY_MAX];

	(void)state;
	assert_int_equal(config_summarise(a, b, text), 0);
	assert_string_equal(text, "no change");
	config_free(a);
	config_free(b);
}

static void what_is_written_out_is_as_good_as_its_default(void **state)
{
	(void)state;
	assert_differ(XDP, XDP "limits: {services: 128}\ntimeouts: {tcp: 15m}\n", "");
}

static void a_value_is_named_by_its_path_with_both_sides(void **state)
{
	(void)state;
	assert_differ(XDP "limits: {services: 16}\n", XDP "timeouts: {udp: 5s}\n",
		      "limits.services: 16 -> 128\ntimeouts.udp: 60s -> 5s\n");
}

static void entries_go_by_their_names_not_their_places(void **state)
{
	(void)state;
	assert_differ(
		XDP "services:\n" SERVICE("web", "192.0.2.1", "port: 80, " BACKENDS)
			SERVICE("dns", "192.0.2.2", "port: 53, " BACKENDS),
		XDP "services:\n" SERVICE("dns", "192.0.2.2",
					  "port: 53, backends: [{address: 192.0.2.101, weight: 7}]")
			SERVICE("web", "192.0.2.1", "port: 80, " BACKENDS),
		"services[dns].backends[192.0.2.101].weight: 100 -> 7\n");
}

static void what_comes_or_goes_is_one_difference(void **state)
{
	(void)state;
	assert_differ(
		XDP "services:\n" SERVICE("old", "192.0.2.1", "port: 80, " BACKENDS),
		XDP "services:\n" SERVICE("new", "192.0.2.1", "port: 81, forward: ipip, " BACKENDS),
		"services[new]: - -> vip: 192.0.2.1, port: 81, forward: ipip, hash: 5-tuple\n"
		"services[old]: vip: 192.0.2.1, port: 80, hash: 5-tuple -> -\n");
}

static void values_of_a_list_come_and_go_one_by_one(void **state)
{
	(void)state;
	assert_differ("xdp: {interfaces: [eth0, eth1]}\n", "xdp: {interfaces: [eth2, eth0]}\n",
		      "xdp.interfaces: eth1 -> -\nxdp.interfaces: - -> eth2\n");
}

static void a_summary_is_one_difference_and_how_many_more(void **state)
{
	struct config *a = parse_good(XDP "limits: {services: 16, backends: 16}\n");
	struct config *b = parse_good(XDP);
	char text[CONFIG_SUMMARY_MAX];

	(void)state;
	assert_int_equal(config_summarise(a, b, text), 2);
	assert_string_equal(text, "limits.services 16 -> 128, and 1 more");
	config_free(a);
	config_free(b);
}

static char *many_prefixes(unsigned int count, unsigned int without)
{
	char *text = malloc(64 + count * 24UL);
	size_t used = (size_t)sprintf(text, XDP "lists: [{name: many, prefixes: [");

	assert_non_null(text);
	for (unsigned int i = 0; i < count; i++)
		if (i != without)
			used += (size_t)sprintf(text + used, "198.%u.%u.%u/32,", 18 + (i >> 16),
						i >> 8 & 255, i & 255);
	strcpy(text + used - 1, "]}]\n");
	return text;
}

static void long_lists_are_compared_in_no_time(void **state)
{
	char *one = many_prefixes(20000, 1), *other = many_prefixes(20000, 2);

	(void)state;
	assert_differ(one, other,
		      "lists[many].prefixes: - -> 198.18.0.1/32\n"
		      "lists[many].prefixes: 198.18.0.2/32 -> -\n");
	free(one);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_config_differs_in_nothing),
		cmocka_unit_test(what_is_written_out_is_as_good_as_its_default),
		cmocka_unit_test(a_value_is_named_by_its_path_with_both_sides),
		cmocka_unit_test(entries_go_by_their_names_not_their_places),
		cmocka_unit_test(what_comes_or_goes_is_one_difference),
		cmocka_unit_test(values_of_a_list_come_and_go_one_by_one),
		cmocka_unit_test(a_summary_is_one_difference_and_how_many_more),
		cmocka_unit_test(long_lists_are_compared_in_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
