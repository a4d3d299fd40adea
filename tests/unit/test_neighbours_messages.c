// SPDX-License-Identifier: GPL-2.0-or-later
/* The parsers of rtnetlink messages: sound ones, broken ones, and those of other kinds. */
#include "neighbours_fixture.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "net/link.h"
#include "net/neigh.h"
#include "net/route.h"

/* @kind, in the way that the kernel puts it. */
static void put_kind(struct rtnl_request *sample, const char *kind)
{
	struct nlattr *nest = mnl_attr_nest_start(&sample->header, IFLA_LINKINFO);

	mnl_attr_put_strz(&sample->header, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(&sample->header, nest);
}

/* A sound message of each kind, to be broken in every way. */
static void build_sample(struct rtnl_request *sample, unsigned int kind)
{
	struct lbd_addr dst = lab_address("198.51.100.7");
	struct ifinfomsg *link;
	struct ndmsg *neigh;

	switch (kind) {
	case 0:
		link = rtnl_begin(sample, RTM_NEWLINK, 0, sizeof(*link));
		link->ifi_index = 7;
		link->ifi_type = ARPHRD_ETHER;
		mnl_attr_put(&sample->header, IFLA_ADDRESS, 6, "\2\0\0\0\0\1");
		mnl_attr_put_u32(&sample->header, IFLA_MTU, 9000);
		put_kind(sample, "vlan");
		break;
	case 1:
		neigh_build_use(sample, 7, &dst);
		neigh = mnl_nlmsg_get_payload(&sample->header);
		neigh->ndm_state = NUD_REACHABLE;
		mnl_attr_put(&sample->header, NDA_LLADDR, 6, "\2\0\0\0\0\2");
		break;
	default:
		route_build_get(sample, &dst);
		sample->header.nlmsg_type = RTM_NEWROUTE;
		mnl_attr_put(&sample->header, RTA_VIA, 18,
			     "\n\0\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\2");
		mnl_attr_put_u32(&sample->header, RTA_OIF, 7);
	}
}

static int parse_sample(const struct nlmsghdr *message, unsigned int kind)
{
	struct lbd_addr dst = lab_address("198.51.100.7");
	struct link_info link;
	struct neigh_info neigh;
	struct route_info route;

	switch (kind) {
	case 0:
		return link_parse(message, &link);
	case 1:
		return neigh_parse(message, &neigh);
	default:
		return route_parse(message, &dst, &route);
	}
}

/* In memory of its own size, so that the sanitizer sees the first byte too far. */
static int parse_copy(const void *bytes, size_t size, unsigned int kind)
{
	struct nlmsghdr *copy = malloc(size);
	int rc = -EBADMSG;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	if (mnl_nlmsg_ok(copy, (int)size))
		rc = parse_sample(copy, kind);
	free(copy);
	return rc;
}

static void sound_messages_are_parsed(void **state)
{
	struct rtnl_request sample;

	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++) {
		build_sample(&sample, kind);
		assert_int_equal(parse_copy(&sample, sample.header.nlmsg_len, kind), 0);
	}
}

static void truncated_messages_are_refused_or_read_within_their_bounds(void **state)
{
	struct rtnl_request sample;

	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++) {
		build_sample(&sample, kind);
		for (uint32_t size = sample.header.nlmsg_len; size >= sizeof(struct nlmsghdr);
		     size--) {
			sample.header.nlmsg_len = size;
			parse_copy(&sample, size, kind);
		}
		assert_int_equal(parse_copy(&sample, sizeof(struct nlmsghdr), kind), -EBADMSG);
	}
}

static void garbage_does_not_crash_a_parser(void **state)
{
	struct rtnl_request sample;

	(void)state;
	srandom(1);
	for (unsigned int round = 0; round < 60000; round++) {
		unsigned int kind = round % 3;

		build_sample(&sample, kind);
		for (long flips = random() % 8; flips >= 0; flips--)
			sample.bytes[16 + random() % (sample.header.nlmsg_len - 16)] =
				(char)random();
		parse_copy(&sample, sample.header.nlmsg_len, kind);
	}
}

static void a_message_of_another_kind_is_refused(void **state)
{
	struct rtnl_request sample;

	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++) {
		build_sample(&sample, kind);
		assert_int_equal(parse_copy(&sample, sample.header.nlmsg_len, (kind + 1) % 3),
				 -EBADMSG);
	}
}

static void a_via_of_an_unknown_family_is_not_taken(void **state)
{
	struct lbd_addr dst = lab_address("198.51.100.7");
	struct rtnl_request sample;
	struct route_info route;

	(void)state;
	route_build_get(&sample, &dst);
	sample.header.nlmsg_type = RTM_NEWROUTE;
	mnl_attr_put(&sample.header, RTA_VIA, 6, "\3\0\1\2\3\4");
	assert_int_equal(route_parse(&sample.header, &dst, &route), 0);
	assert_true(lbd_addr_equal(&route.hop, &dst));
}

static void a_links_kind_is_known_if_it_has_one(void **state)
{
	struct rtnl_request sample;
	struct link_info link;

	(void)state;
	build_sample(&sample, 0);
	assert_int_equal(link_parse(&sample.header, &link), 0);
	assert_string_equal(link.kind, "vlan");
	assert_int_equal(link.mtu, 9000);
	rtnl_begin(&sample, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	((struct ifinfomsg *)mnl_nlmsg_get_payload(&sample.header))->ifi_index = 7;
	assert_int_equal(link_parse(&sample.header, &link), 0);
	assert_string_equal(link.kind, "");
	put_kind(&sample, "longer-than-any-of-those");
	assert_int_equal(link_parse(&sample.header, &link), 0);
	assert_string_equal(link.kind, "");
}

static void bridge_entries_and_proxies_are_no_neighbours(void **state)
{
	struct rtnl_request sample;
	struct neigh_info info;
	struct ndmsg *neigh;

	(void)state;
	build_sample(&sample, 1);
	neigh = mnl_nlmsg_get_payload(&sample.header);
	neigh->ndm_family = AF_BRIDGE;
	assert_int_equal(neigh_parse(&sample.header, &info), -EBADMSG);
	neigh->ndm_family = AF_INET;
	neigh->ndm_flags = NTF_PROXY;
	assert_int_equal(neigh_parse(&sample.header, &info), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_messages_are_parsed),
		cmocka_unit_test(truncated_messages_are_refused_or_read_within_their_bounds),
		cmocka_unit_test(garbage_does_not_crash_a_parser),
		cmocka_unit_test(a_message_of_another_kind_is_refused),
		cmocka_unit_test(a_via_of_an_unknown_family_is_not_taken),
		cmocka_unit_test(a_links_kind_is_known_if_it_has_one),
		cmocka_unit_test(bridge_entries_and_proxies_are_no_neighbours),
	};

	return cmocka_run_group_tests_name("neighbours messages", tests, NULL, NULL);
}
