// SPDX-License-Identifier: GPL-2.0-or-later
/* Next hops, as the kernel's neighbour entries, links and routes change. */
#include "neighbours_fixture.h"

#include <net/if.h>
#include <stdlib.h>

#include "net/path.h"

static void an_unknown_neighbour_is_asked_for(void **state)
{
	struct lab *lab = *state;

	lab_watch(lab, "192.0.2.2");
	assert_false(lab_find(lab, "192.0.2.2").resolved);
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	assert_int_equal(lab_find(lab, "192.0.2.2").mtu, 1500);
	assert_int_equal(lab->calls, 1);
}

static void an_ipv6_neighbour_is_asked_for(void **state)
{
	lab_watch(*state, "2001:db8::2");
	lab_expect(*state, "2001:db8::2", "02:00:00:00:00:02");
}

static void a_known_neighbour_is_told_before_watch_returns(void **state)
{
	struct lab *lab = *state;

	lab_run("ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:09 dev near nud permanent");
	lab_watch(lab, "192.0.2.9");
	assert_int_equal(lab->calls, 1);
	assert_true(lab->last.resolved);
	assert_int_equal(lab->last.dmac[5], 9);
}

static void the_source_address_is_the_links_own(void **state)
{
	struct lab *lab = *state;
	const uint8_t smac[6] = { 2, 0, 0, 0, 0, 0x11 };
	struct nexthop hop;

	lab_run("ip link set near address 02:00:00:00:00:11");
	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	hop = lab_find(lab, "192.0.2.2");
	assert_memory_equal(hop.smac, smac, 6);
}

static void a_changed_mac_is_followed(void **state)
{
	struct lab *lab = *state;

	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_run("nsenter -t %d -n ip link set far address 02:00:00:00:00:22", lab->peer);
	lab_run("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:22 dev near nud reachable");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:22");
}

static void a_vanished_entry_keeps_its_mac_and_is_asked_for_again(void **state)
{
	struct lab *lab = *state;
	unsigned int calls;

	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	calls = lab->calls;
	lab_run("ip neigh flush dev near");
	lab_run_loop(lab, 300);
	assert_int_equal(lab->calls, calls);
	assert_true(lab_find(lab, "192.0.2.2").resolved);
	lab_run("ip neigh show 192.0.2.2 dev near | grep -q lladdr");
}

static void a_neighbour_that_falls_silent_is_lost_and_found_again(void **state)
{
	struct lab *lab = *state;

	lab_run("sysctl -qw net.ipv4.neigh.near.retrans_time_ms=100");
	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_run("nsenter -t %d -n ip addr flush dev far scope global", lab->peer);
	lab_run("ip neigh flush dev near");
	lab_expect(lab, "192.0.2.2", "");
	lab_run("nsenter -t %d -n ip addr add 192.0.2.2/24 dev far", lab->peer);
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
}

static void a_stale_entry_is_kept_fresh(void **state)
{
	struct lab *lab = *state;

	lab_run("sysctl -qw net.ipv4.neigh.near.delay_first_probe_time=1");
	lab_run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near nud stale");
	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	for (int waited = 0; waited < 14000; waited += 250) {
		lab_run_loop(lab, 250);
		if (!system("ip neigh show 192.0.2.2 dev near | grep -q REACHABLE"))
			return;
	}
	fail_msg("192.0.2.2 is still stale");
}

static void link_down_loses_the_next_hop_and_up_brings_it_back(void **state)
{
	struct lab *lab = *state;

	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_run("ip link set near down");
	lab_expect(lab, "192.0.2.2", "");
	lab_run("ip link set near up");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
}

static void a_lost_carrier_loses_the_next_hop(void **state)
{
	struct lab *lab = *state;

	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_run("nsenter -t %d -n ip link set far down", lab->peer);
	lab_expect(lab, "192.0.2.2", "");
	lab_run("nsenter -t %d -n ip link set far up", lab->peer);
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
}

static void a_distant_address_has_its_gateways_mac(void **state)
{
	struct lab *lab = *state;

	lab_run("ip route add 198.51.100.0/24 via 192.0.2.2");
	lab_watch(lab, "198.51.100.7");
	lab_expect(lab, "198.51.100.7", "02:00:00:00:00:02");
}

static void an_ipv4_address_may_have_an_ipv6_gateway(void **state)
{
	struct lab *lab = *state;

	lab_run("ip route add 198.51.100.0/24 via inet6 2001:db8::2 dev near");
	lab_watch(lab, "198.51.100.7");
	lab_expect(lab, "198.51.100.7", "02:00:00:00:00:02");
}

static void a_changed_route_is_followed(void **state)
{
	struct lab *lab = *state;

	lab_run("ip link add near2 type veth peer name far2 address 02:00:00:00:01:02 netns %d",
		lab->peer);
	lab_run("ip addr add 203.0.113.1/24 dev near2 && ip link set near2 up");
	lab_run("nsenter -t %d -n sh -c 'ip addr add 203.0.113.2/24 dev far2 && ip link set far2 "
		"up'",
		lab->peer);
	lab_run("ip route add 198.51.100.0/24 via 192.0.2.2");
	lab_watch(lab, "198.51.100.7");
	lab_expect(lab, "198.51.100.7", "02:00:00:00:00:02");
	lab_run("ip route replace 198.51.100.0/24 via 203.0.113.2");
	lab_expect_behind(lab, "198.51.100.7", "02:00:00:00:01:02", "near2");
	lab_run("ip route del 198.51.100.0/24");
	lab_expect(lab, "198.51.100.7", "");
}

static void the_old_next_hop_stands_until_the_new_gateway_answers(void **state)
{
	struct lab *lab = *state;

	lab_run("ip route add 198.51.100.0/24 via 192.0.2.2");
	lab_watch(lab, "198.51.100.7");
	lab_expect(lab, "198.51.100.7", "02:00:00:00:00:02");
	lab_run("sysctl -qw net.ipv4.neigh.near.retrans_time_ms=400");
	lab_run("ip route replace 198.51.100.0/24 via 192.0.2.77");
	lab_run_loop(lab, 500);
	assert_true(lab_find(lab, "198.51.100.7").resolved);
	lab_expect(lab, "198.51.100.7", "");
}

static void a_routes_lower_mtu_counts(void **state)
{
	struct lab *lab = *state;

	lab_run("ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1400");
	lab_watch(lab, "198.51.100.7");
	lab_expect(lab, "198.51.100.7", "02:00:00:00:00:02");
	assert_int_equal(lab_find(lab, "198.51.100.7").mtu, 1400);
	lab_run("ip link set near mtu 1300");
	lab_run_loop(lab, 600);
	assert_int_equal(lab_find(lab, "198.51.100.7").mtu, 1300);
}

static void lost_events_are_made_up_for(void **state)
{
	struct lab *lab = *state;

	lab_watch(lab, "192.0.2.2");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_run_loop(lab, 600); /* no look-up is pending from before */
	/* More than the event queue holds, while nobody reads it. */
	lab_run("i=0; while [ $i -lt 30000 ]; do"
		" echo neigh replace 192.0.2.50 lladdr 02:00:00:00:01:00 dev near nud permanent;"
		" echo neigh replace 192.0.2.50 lladdr 02:00:00:00:02:00 dev near nud permanent;"
		" i=$((i + 1)); done | ip -batch -");
	lab_run("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:33 dev near nud permanent");
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:33");
}

static void expect_fault_from(const struct path_doors *doors, const char *text,
			      enum path_fault wanted)
{
	struct lbd_addr addr = lab_address(text);
	struct rtnl *rtnl;
	struct error err;
	struct path path;

	assert_int_equal(rtnl_open(NULL, 0, &rtnl, &err), 0);
	assert_string_equal(path_fault_sentence(path_find(rtnl, &addr, doors, &path)),
			    path_fault_sentence(wanted));
	rtnl_close(rtnl);
}

static void expect_fault(const char *text, enum path_fault wanted)
{
	const struct path_doors doors = { .native = true };

	expect_fault_from(&doors, text, wanted);
}

static void what_cannot_have_a_next_hop_says_why(void **state)
{
	(void)state;
	lab_run("ip tuntap add point mode tun && ip addr add 198.51.100.1/24 dev point");
	lab_run("ip route add blackhole 198.18.0.0/24 && ip -6 route add blackhole "
		"2001:db8:b::/64");
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

	lab_run("ip route add 198.51.100.0/24 dev lo");
	expect_fault("198.51.100.7", PATH_FAULT_NOT_ETHERNET);
	lab_watch(lab, "198.51.100.7");
	lab_run_loop(lab, 50);
	assert_false(lab_find(lab, "198.51.100.7").resolved);
	assert_int_equal(lab->calls, 0);
}

/* A kernel without VLAN devices has the others, which are judged as these are. */
static void build_stacked(const char *device)
{
	lab_run("ip addr add 203.0.113.1/24 dev %s && ip link set %s up", device, device);
	lab_run("ip neigh add 203.0.113.2 lladdr 02:00:00:00:02:02 dev %s nud permanent", device);
}

static void build_bridge(void)
{
	lab_run("ip link add port type veth peer name cable && ip link set cable up");
	lab_run("ip link add br0 type bridge && ip link set port master br0 up");
	build_stacked("br0");
}

static void native_xdp_has_no_way_to_a_macvlan(void **state)
{
	(void)state;
	lab_run("ip link add link near name mac0 type macvlan");
	build_stacked("mac0");
	expect_fault("203.0.113.2", PATH_FAULT_STACKED);
}

static void native_xdp_has_no_way_to_a_bridge_but_generic_and_what_stands_on_it_have(void **state)
{
	const uint32_t near = if_nametoindex("near");
	uint32_t bridge;

	(void)state;
	build_bridge();
	bridge = if_nametoindex("br0");
	expect_fault_from(&(struct path_doors){ &near, 1, true }, "203.0.113.2",
			  PATH_FAULT_STACKED);
	expect_fault_from(&(struct path_doors){ &near, 1, false }, "203.0.113.2", PATH_FAULT_NONE);
	expect_fault_from(&(struct path_doors){ &bridge, 1, true }, "203.0.113.2", PATH_FAULT_NONE);
}

static void other_doors_have_what_is_watched_looked_up_anew(void **state)
{
	struct lab *lab = *state;
	const struct lbd_addr addr = lab_address("203.0.113.2");
	const uint32_t near = if_nametoindex("near");
	struct path_doors doors = { &near, 1, true };

	build_bridge();
	assert_int_equal(neighbours_set_doors(lab->neighbours, &doors), 0);
	lab_watch(lab, "203.0.113.2");
	lab_expect(lab, "203.0.113.2", "");
	assert_int_equal(neighbours_fault(lab->neighbours, &addr), PATH_FAULT_STACKED);
	doors.native = false;
	assert_int_equal(neighbours_set_doors(lab->neighbours, &doors), 0);
	lab_expect_behind(lab, "203.0.113.2", "02:00:00:00:02:02", "br0");
	assert_int_equal(neighbours_fault(lab->neighbours, &addr), PATH_FAULT_NONE);
	doors.native = true;
	assert_int_equal(neighbours_set_doors(lab->neighbours, &doors), 0);
	lab_expect(lab, "203.0.113.2", "");
}

static void an_address_that_stands_twice_is_watched_once(void **state)
{
	struct lab *lab = *state;
	struct lbd_addr addrs[] = { lab_address("192.0.2.2"), lab_address("2001:db8::2"),
				    lab_address("192.0.2.2") };

	assert_int_equal(neighbours_watch(lab->neighbours, addrs, 3), 0);
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_expect(lab, "2001:db8::2", "02:00:00:00:00:02");
	assert_int_equal(lab->calls, 2);
}

static void what_is_no_longer_watched_is_dropped_and_the_rest_kept(void **state)
{
	struct lab *lab = *state;
	struct lbd_addr addrs[] = { lab_address("2001:db8::2"), lab_address("192.0.2.2") };
	struct nexthop hop;

	assert_int_equal(neighbours_watch(lab->neighbours, addrs, 2), 0);
	lab_expect(lab, "192.0.2.2", "02:00:00:00:00:02");
	lab_expect(lab, "2001:db8::2", "02:00:00:00:00:02");
	assert_int_equal(neighbours_watch(lab->neighbours, &addrs[1], 1), 0);
	assert_false(neighbours_find(lab->neighbours, &addrs[0], &hop));
	assert_true(lab_find(lab, "192.0.2.2").resolved);
	assert_int_equal(lab->calls, 2);
	assert_int_equal(neighbours_watch(lab->neighbours, NULL, 0), 0);
	assert_false(neighbours_find(lab->neighbours, &addrs[1], &hop));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		LAB(native_xdp_has_no_way_to_a_macvlan),
		LAB(native_xdp_has_no_way_to_a_bridge_but_generic_and_what_stands_on_it_have),
		LAB(other_doors_have_what_is_watched_looked_up_anew),
		LAB(an_address_that_stands_twice_is_watched_once),
		LAB(what_is_no_longer_watched_is_dropped_and_the_rest_kept),
	};

	return cmocka_run_group_tests_name("neighbours hops", tests, NULL, NULL);
}
