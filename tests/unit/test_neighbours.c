// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own rtnetlink, in two network namespaces of this process and a
 * child, joined by a veth pair:
 *
 *   this namespace              the child's ("peer")
 *   near  192.0.2.1/24   ------ far  192.0.2.2/24
 *   2001:db8::1/64              2001:db8::2/64   02:00:00:00:00:02
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/link.h"
#include "net/neigh.h"
#include "net/neighbours.h"
#include "net/path.h"
#include "net/route.h"

#define WAIT_MS 8000

struct lab {
	struct event_base *base;
	struct neighbours *neighbours;
	struct nexthop last;
	unsigned int calls;
	pid_t peer;
};

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static struct lbd_addr address(const char *text)
{
	struct lbd_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void on_changed(void *context, const struct lbd_addr *addr, const struct nexthop *nexthop)
{
	struct lab *lab = context;

	(void)addr;
	lab->calls++;
	lab->last = *nexthop;
}

/* --- the laboratory */

static pid_t start_peer(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void build_lab(pid_t peer)
{
	run("ip link set lo up");
	run("ip link add near type veth peer name far address 02:00:00:00:00:02 netns %d", peer);
	run("ip addr add 192.0.2.1/24 dev near && ip addr add 2001:db8::1/64 dev near nodad");
	run("ip link set near up");
	run("nsenter -t %d -n sh -c 'ip addr add 192.0.2.2/24 dev far &&"
	    " ip addr add 2001:db8::2/64 dev far nodad && ip link set far up'",
	    peer);
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct error err;

	assert_non_null(lab);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	lab->peer = start_peer();
	build_lab(lab->peer);
	lab->base = event_base_new();
	assert_int_equal(neighbours_new(lab->base, on_changed, lab, &lab->neighbours, &err), 0);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	neighbours_free(lab->neighbours);
	event_base_free(lab->base);
	kill(lab->peer, SIGKILL);
	waitpid(lab->peer, NULL, 0);
	free(lab);
	return 0;
}

static struct nexthop find(struct lab *lab, const char *text)
{
	struct lbd_addr addr = address(text);
	struct nexthop nexthop;

	assert_true(neighbours_find(lab->neighbours, &addr, &nexthop));
	return nexthop;
}

/* Run the loop until @text has the next hop @mac ("" for none) behind @interface, or fail. */
static void expect_within(struct lab *lab, const char *text, const char *mac, const char *interface,
			  int wait_ms)
{
	char got[64] = "", wanted[64] = "";

	if (*mac)
		snprintf(wanted, sizeof(wanted), "%s %u", mac, if_nametoindex(interface));
	for (int waited = 0; waited < wait_ms; waited += 10) {
		const struct nexthop hop = find(lab, text);
		const uint8_t *b = hop.dmac;

		got[0] = '\0';
		if (hop.resolved)
			snprintf(got, sizeof(got), "%02x:%02x:%02x:%02x:%02x:%02x %u", b[0], b[1],
				 b[2], b[3], b[4], b[5], hop.ifindex);
		if (!strcmp(got, wanted))
			return;
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
		usleep(10000);
	}
	assert_string_equal(got, wanted);
}

static void expect(struct lab *lab, const char *text, const char *mac)
{
	expect_within(lab, text, mac, "near", WAIT_MS);
}

static void run_loop_for(struct lab *lab, int ms)
{
	const struct timeval period = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(lab->base, &period);
	event_base_dispatch(lab->base);
}

static void watch(struct lab *lab, const char *text)
{
	struct lbd_addr addr = address(text);

	assert_int_equal(neighbours_watch(lab->neighbours, &addr, 1), 0);
}

/* --- next hops */

static void an_unknown_neighbour_is_asked_for(void **state)
{
	struct lab *lab = *state;

	watch(lab, "192.0.2.2");
	assert_false(find(lab, "192.0.2.2").resolved);
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	assert_int_equal(find(lab, "192.0.2.2").mtu, 1500);
	assert_int_equal(lab->calls, 1);
}

static void an_ipv6_neighbour_is_asked_for(void **state)
{
	watch(*state, "2001:db8::2");
	expect(*state, "2001:db8::2", "02:00:00:00:00:02");
}

static void a_known_neighbour_is_told_before_watch_returns(void **state)
{
	struct lab *lab = *state;

	run("ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:09 dev near nud permanent");
	watch(lab, "192.0.2.9");
	assert_int_equal(lab->calls, 1);
	assert_true(lab->last.resolved);
	assert_int_equal(lab->last.dmac[5], 9);
}

static void the_source_address_is_the_links_own(void **state)
{
	struct lab *lab = *state;
	const uint8_t smac[6] = { 2, 0, 0, 0, 0, 0x11 };
	struct nexthop hop;

	run("ip link set near address 02:00:00:00:00:11");
	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	hop = find(lab, "192.0.2.2");
	assert_memory_equal(hop.smac, smac, 6);
}

static void a_changed_mac_is_followed(void **state)
{
	struct lab *lab = *state;

	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	run("nsenter -t %d -n ip link set far address 02:00:00:00:00:22", lab->peer);
	run("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:22 dev near nud reachable");
	expect(lab, "192.0.2.2", "02:00:00:00:00:22");
}

static void a_vanished_entry_keeps_its_mac_and_is_asked_for_again(void **state)
{
	struct lab *lab = *state;
	unsigned int calls;

	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	calls = lab->calls;
	run("ip neigh flush dev near");
	run_loop_for(lab, 300);
	assert_int_equal(lab->calls, calls);
	assert_true(find(lab, "192.0.2.2").resolved);
	run("ip neigh show 192.0.2.2 dev near | grep -q lladdr");
}

static void a_neighbour_that_falls_silent_is_lost_and_found_again(void **state)
{
	struct lab *lab = *state;

	run("sysctl -qw net.ipv4.neigh.near.retrans_time_ms=100");
	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	run("nsenter -t %d -n ip addr flush dev far scope global", lab->peer);
	run("ip neigh flush dev near");
	expect(lab, "192.0.2.2", "");
	run("nsenter -t %d -n ip addr add 192.0.2.2/24 dev far", lab->peer);
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
}

static void a_stale_entry_is_kept_fresh(void **state)
{
	struct lab *lab = *state;

	run("sysctl -qw net.ipv4.neigh.near.delay_first_probe_time=1");
	run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near nud stale");
	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	for (int waited = 0; waited < 14000; waited += 250) {
		run_loop_for(lab, 250);
		if (!system("ip neigh show 192.0.2.2 dev near | grep -q REACHABLE"))
			return;
	}
	fail_msg("192.0.2.2 is still stale");
}

static void link_down_loses_the_next_hop_and_up_brings_it_back(void **state)
{
	struct lab *lab = *state;

	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	run("ip link set near down");
	expect(lab, "192.0.2.2", "");
	run("ip link set near up");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
}

static void a_lost_carrier_loses_the_next_hop(void **state)
{
	struct lab *lab = *state;

	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	run("nsenter -t %d -n ip link set far down", lab->peer);
	expect(lab, "192.0.2.2", "");
	run("nsenter -t %d -n ip link set far up", lab->peer);
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
}

static void a_distant_address_has_its_gateways_mac(void **state)
{
	struct lab *lab = *state;

	run("ip route add 198.51.100.0/24 via 192.0.2.2");
	watch(lab, "198.51.100.7");
	expect(lab, "198.51.100.7", "02:00:00:00:00:02");
}

static void an_ipv4_address_may_have_an_ipv6_gateway(void **state)
{
	struct lab *lab = *state;

	run("ip route add 198.51.100.0/24 via inet6 2001:db8::2 dev near");
	watch(lab, "198.51.100.7");
	expect(lab, "198.51.100.7", "02:00:00:00:00:02");
}

static void a_changed_route_is_followed(void **state)
{
	struct lab *lab = *state;

	run("ip link add near2 type veth peer name far2 address 02:00:00:00:01:02 netns %d",
	    lab->peer);
	run("ip addr add 203.0.113.1/24 dev near2 && ip link set near2 up");
	run("nsenter -t %d -n sh -c 'ip addr add 203.0.113.2/24 dev far2 && ip link set far2 up'",
	    lab->peer);
	run("ip route add 198.51.100.0/24 via 192.0.2.2");
	watch(lab, "198.51.100.7");
	expect(lab, "198.51.100.7", "02:00:00:00:00:02");
	run("ip route replace 198.51.100.0/24 via 203.0.113.2");
	expect_within(lab, "198.51.100.7", "02:00:00:00:01:02", "near2", WAIT_MS);
	run("ip route del 198.51.100.0/24");
	expect(lab, "198.51.100.7", "");
}

static void the_old_next_hop_stands_until_the_new_gateway_answers(void **state)
{
	struct lab *lab = *state;

	run("ip route add 198.51.100.0/24 via 192.0.2.2");
	watch(lab, "198.51.100.7");
	expect(lab, "198.51.100.7", "02:00:00:00:00:02");
	run("sysctl -qw net.ipv4.neigh.near.retrans_time_ms=400");
	run("ip route replace 198.51.100.0/24 via 192.0.2.77");
	run_loop_for(lab, 500);
	assert_true(find(lab, "198.51.100.7").resolved);
	expect(lab, "198.51.100.7", "");
}

static void a_routes_lower_mtu_counts(void **state)
{
	struct lab *lab = *state;

	run("ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1400");
	watch(lab, "198.51.100.7");
	expect(lab, "198.51.100.7", "02:00:00:00:00:02");
	assert_int_equal(find(lab, "198.51.100.7").mtu, 1400);
	run("ip link set near mtu 1300");
	run_loop_for(lab, 600);
	assert_int_equal(find(lab, "198.51.100.7").mtu, 1300);
}

static void lost_events_are_made_up_for(void **state)
{
	struct lab *lab = *state;

	watch(lab, "192.0.2.2");
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	run_loop_for(lab, 600); /* no look-up is pending from before */
	/* More than the event queue holds, while nobody reads it. */
	run("i=0; while [ $i -lt 30000 ]; do"
	    " echo neigh replace 192.0.2.50 lladdr 02:00:00:00:01:00 dev near nud permanent;"
	    " echo neigh replace 192.0.2.50 lladdr 02:00:00:00:02:00 dev near nud permanent;"
	    " i=$((i + 1)); done | ip -batch -");
	run("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:33 dev near nud permanent");
	expect(lab, "192.0.2.2", "02:00:00:00:00:33");
}

static void expect_fault(const char *text, enum path_fault wanted)
{
	struct lbd_addr addr = address(text);
	struct rtnl *rtnl;
	struct error err;
	struct path path;

	assert_int_equal(rtnl_open(NULL, 0, &rtnl, &err), 0);
	assert_string_equal(path_fault_sentence(path_find(rtnl, &addr, &path)),
			    path_fault_sentence(wanted));
	rtnl_close(rtnl);
}

static void what_cannot_have_a_next_hop_says_why(void **state)
{
	(void)state;
	run("ip tuntap add point mode tun && ip addr add 198.51.100.1/24 dev point");
	run("ip route add blackhole 198.18.0.0/24 && ip -6 route add blackhole 2001:db8:b::/64");
	expect_fault("203.0.113.9", PATH_FAULT_NO_ROUTE);
	expect_fault("2001:db8:a::1", PATH_FAULT_NO_ROUTE);
	expect_fault("192.0.2.1", PATH_FAULT_LOCAL);
	expect_fault("2001:db8::1", PATH_FAULT_LOCAL);
	expect_fault("198.18.0.1", PATH_FAULT_NOT_UNICAST);
	expect_fault("2001:db8:b::1", PATH_FAULT_NOT_UNICAST);
	expect_fault("192.0.2.255", PATH_FAULT_NOT_UNICAST);
	expect_fault("192.0.2.2", PATH_FAULT_NONE);
}

static void a_device_without_mac_addresses_has_no_next_hop(void **state)
{
	struct lab *lab = *state;

	run("ip route add 198.51.100.0/24 dev lo");
	expect_fault("198.51.100.7", PATH_FAULT_NOT_ETHERNET);
	watch(lab, "198.51.100.7");
	run_loop_for(lab, 50);
	assert_false(find(lab, "198.51.100.7").resolved);
	assert_int_equal(lab->calls, 0);
}

static void an_address_that_stands_twice_is_watched_once(void **state)
{
	struct lab *lab = *state;
	struct lbd_addr addrs[] = { address("192.0.2.2"), address("2001:db8::2"),
				    address("192.0.2.2") };

	assert_int_equal(neighbours_watch(lab->neighbours, addrs, 3), 0);
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	expect(lab, "2001:db8::2", "02:00:00:00:00:02");
	assert_int_equal(lab->calls, 2);
}

static void what_is_no_longer_watched_is_dropped_and_the_rest_kept(void **state)
{
	struct lab *lab = *state;
	struct lbd_addr addrs[] = { address("2001:db8::2"), address("192.0.2.2") };
	struct nexthop hop;

	assert_int_equal(neighbours_watch(lab->neighbours, addrs, 2), 0);
	expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	expect(lab, "2001:db8::2", "02:00:00:00:00:02");
	assert_int_equal(neighbours_watch(lab->neighbours, &addrs[1], 1), 0);
	assert_false(neighbours_find(lab->neighbours, &addrs[0], &hop));
	assert_true(find(lab, "192.0.2.2").resolved);
	assert_int_equal(lab->calls, 2);
	assert_int_equal(neighbours_watch(lab->neighbours, NULL, 0), 0);
	assert_false(neighbours_find(lab->neighbours, &addrs[1], &hop));
}

/* --- parsers */

/* A sound message of each kind, to be broken in every way. */
static void build_sample(struct rtnl_request *sample, unsigned int kind)
{
	struct lbd_addr dst = address("198.51.100.7");
	struct ifinfomsg *link;
	struct ndmsg *neigh;

	switch (kind) {
	case 0:
		link = rtnl_begin(sample, RTM_NEWLINK, 0, sizeof(*link));
		link->ifi_index = 7;
		link->ifi_type = ARPHRD_ETHER;
		mnl_attr_put(&sample->header, IFLA_ADDRESS, 6, "\2\0\0\0\0\1");
		mnl_attr_put_u32(&sample->header, IFLA_MTU, 9000);
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
	struct lbd_addr dst = address("198.51.100.7");
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
	struct lbd_addr dst = address("198.51.100.7");
	struct rtnl_request sample;
	struct route_info route;

	(void)state;
	route_build_get(&sample, &dst);
	sample.header.nlmsg_type = RTM_NEWROUTE;
	mnl_attr_put(&sample.header, RTA_VIA, 6, "\3\0\1\2\3\4");
	assert_int_equal(route_parse(&sample.header, &dst, &route), 0);
	assert_true(lbd_addr_equal(&route.hop, &dst));
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

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_messages_are_parsed),
		cmocka_unit_test(truncated_messages_are_refused_or_read_within_their_bounds),
		cmocka_unit_test(garbage_does_not_crash_a_parser),
		cmocka_unit_test(a_message_of_another_kind_is_refused),
		cmocka_unit_test(a_via_of_an_unknown_family_is_not_taken),
		cmocka_unit_test(bridge_entries_and_proxies_are_no_neighbours),
		LAB(an_unknown_neighbour_is_asked_for),
		LAB(an_ipv6_neighbour_is_asked_for),
		LAB(a_known_neighbour_is_told_before_watch_returns),
		LAB(the_source_address_is_the_links_own),
		LAB(a_changed_mac_is_followed),
		LAB(a_vanished_entry_keeps_its_mac_and_is_asked_for_again),
		LAB(a_neighbour_that_falls_silent_is_lost_and_found_again),
		LAB(a_stale_entry_is_kept_fresh),
		LAB(link_down_loses_the_next_hop_and_up_brings_it_back),
		LAB(a_lost_carrier_loses_the_next_hop),
		LAB(a_distant_address_has_its_gateways_mac),
		LAB(an_ipv4_address_may_have_an_ipv6_gateway),
		LAB(a_changed_route_is_followed),
		LAB(the_old_next_hop_stands_until_the_new_gateway_answers),
		LAB(a_routes_lower_mtu_counts),
		LAB(lost_events_are_made_up_for),
		LAB(what_cannot_have_a_next_hop_says_why),
		LAB(a_device_without_mac_addresses_has_no_next_hop),
		LAB(an_address_that_stands_twice_is_watched_once),
		LAB(what_is_no_longer_watched_is_dropped_and_the_rest_kept),
	};

	return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
