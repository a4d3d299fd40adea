// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/kernel.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "lbd/outcome.h"
#include "tests/model/frame.h"
#include "tests/packet/run.h"

#define KERNEL_REACHED (-1)

/* Clients' networks: by a router, or on the link, where nobody is. */
struct kernel_route {
	const char *prefix;
	bool beyond; /* behind the other interface, which has little room */
	bool router;
	bool itself; /* the router's own address */
};

static const struct kernel_route kernel_routes[] = {
	{ "203.0.113.1/32", false, true, true },      { "203.0.113.2/32", true, true, true },
	{ "2001:db8:2::1/128", false, true, true },   { "2001:db8:2::2/128", true, true, true },
	{ "198.51.100.0/30", false, true, false },    { "198.51.100.4/31", true, true, false },
	{ "198.51.100.6/31", false, false, false },   { "10.0.0.0/8", true, true, false },
	{ "2001:db8:c::/127", true, true, false },    { "2001:db8:c::2/127", false, false, false },
	{ "2001:db8:c::4/126", false, true, false },  { "2001:db8:c:80::/57", true, true, false },
	{ "2001:db8:c:40::/58", false, true, false },
};

#define KERNEL_ROUTES (sizeof(kernel_routes) / sizeof(*kernel_routes))

static const uint8_t kernel_macs[2][6] = { { 2, 0, 0, 0, 0xaa, 1 }, { 2, 0, 0, 0, 0xaa, 2 } };
static const uint8_t kernel_router_macs[2][6] = { { 2, 0, 0, 0, 0xcc, 1 },
						  { 2, 0, 0, 0, 0xcc, 2 } };
static const uint32_t kernel_mtus[2] = { 1500, 1300 };

static const char *kernel_interface(bool beyond)
{
	return beyond ? RUN_INTERFACE_OUT : RUN_INTERFACE_IN;
}

/* No addresses of their own: nothing but these routes leads anywhere. Indexes far apart. */
static const char kernel_script[] =
	"set -e\n"
	"echo 1 > /proc/sys/net/ipv4/ip_forward\n"
	"echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n"
	"ip link add " RUN_INTERFACE_IN " index 1000 address 02:00:00:00:aa:01 type veth"
	" peer name " RUN_INTERFACE_OUT " index 1064 address 02:00:00:00:aa:02\n"
	"link() {\n"
	"	ip link set $1 addrgenmode none\n"
	"	ip link set $1 mtu $2 up\n"
	"	ip neigh add 203.0.113.$3 lladdr 02:00:00:00:cc:0$4 nud permanent dev $1\n"
	"	ip neigh add 2001:db8:2::$3 lladdr 02:00:00:00:cc:0$4 nud permanent dev $1\n"
	"}\n"
	"link " RUN_INTERFACE_IN " 1500 1 1\n"
	"link " RUN_INTERFACE_OUT " 1300 2 2\n";

static int kernel_add(const struct kernel_route *route)
{
	const char *router = strchr(route->prefix, ':') ? "2001:db8:2::" : "203.0.113.";
	char command[256], via[64] = "";

	if (route->router && !route->itself)
		snprintf(via, sizeof(via), "via %s%d", router, route->beyond + 1);
	snprintf(command, sizeof(command), "ip route add %s %s dev %s", route->prefix, via,
		 kernel_interface(route->beyond));
	return system(command);
}

int kernel_make(void)
{
	if (unshare(CLONE_NEWNET) || system(kernel_script))
		return -1;
	for (size_t i = 0; i < KERNEL_ROUTES; i++)
		if (kernel_add(&kernel_routes[i]))
			return -1;
	return 0;
}

static bool kernel_holds(const struct kernel_route *route, const struct lbd_addr *addr)
{
	struct addr_prefix prefix;

	return !addr_parse_prefix(route->prefix, &prefix) && addr_in_prefix(addr, &prefix);
}

int kernel_route(const struct lbd_addr *client, uint32_t length, struct kernel_hop *ret)
{
	for (size_t i = 0; i < KERNEL_ROUTES; i++) {
		const struct kernel_route *route = &kernel_routes[i];

		if (!kernel_holds(route, client))
			continue;
		ret->ifindex = if_nametoindex(kernel_interface(route->beyond));
		ret->mtu = kernel_mtus[route->beyond];
		memcpy(ret->dmac, kernel_router_macs[route->beyond], sizeof(ret->dmac));
		memcpy(ret->smac, kernel_macs[route->beyond], sizeof(ret->smac));
		if (length > ret->mtu)
			return LBD_OUTCOME_DROP_TOO_BIG;
		return route->router ? KERNEL_REACHED : LBD_OUTCOME_DROP_UNRESOLVED;
	}
	return LBD_OUTCOME_DROP_NO_ROUTE;
}
