/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How packets to an address leave this host: which interface, which hop; or why they can't. */
#ifndef NET_PATH_H
#define NET_PATH_H

#include "net/rtnl.h"

/* X(constant, sentence): what keeps an address from having a next hop. */
#define PATH_FAULTS(X)                                                                          \
	X(NONE, "is known")                                                                     \
	X(ASKING, "is being asked for (ARP or ND)")                                             \
	X(SILENT, "doesn't answer ARP or ND")                                                   \
	X(NO_ROUTE, "has no route")                                                             \
	X(LOCAL, "is an address of this host: packets can't be forwarded to it")                \
	X(NOT_UNICAST, "has a route that isn't unicast (blackhole, prohibit, broadcast)")       \
	X(LINK_DOWN, "is behind an interface that is down")                                     \
	X(NOT_ETHERNET, "is behind an interface without MAC addresses (tunnel, loopback)")      \
	X(VLAN, "is behind a VLAN device, which native XDP can't send through: attach to that " \
		"device itself (it takes generic mode), or reach it by an untagged interface")  \
	X(STACKED,                                                                              \
	  "is behind a bridge or macvlan device, which native XDP can't send through: attach "  \
	  "to that device itself (it takes generic mode), or reach it by a plain interface")    \
	X(REFUSED, "couldn't be looked up: the kernel refused the question or didn't answer")

enum path_fault {
#define X(constant, sentence) PATH_FAULT_##constant,
	PATH_FAULTS(X)
#undef X
};

/*
 * What packets come in by, and so what they can leave by. Native XDP hands a
 * frame to another interface's driver, and a VLAN device, a bridge or a macvlan
 * has nothing to take it with: the kernel drops it and tells nobody. Back out of
 * the interface that it came in by it goes all the same, and in generic mode it
 * takes the kernel's normal way to any.
 */
struct path_doors {
	const uint32_t *ifindexes;
	uint32_t count;
	bool native; /* one of them is, or may be, attached to in native mode */
};

struct path {
	uint32_t ifindex;
	struct lbd_addr hop;
	uint16_t mtu; /* the link's, or the route's where that is lower */
	uint8_t smac[6];
};

/* Look @dst up for packets that come in by @doors. *ret is valid only for PATH_FAULT_NONE. */
enum path_fault path_find(struct rtnl *rtnl, const struct lbd_addr *dst,
			  const struct path_doors *doors, struct path *ret);

/* Is there a way, but none that packets could take? Then no way of the past serves either. */
bool path_fault_refuses(enum path_fault fault);

const char *path_fault_sentence(enum path_fault fault);

#endif
