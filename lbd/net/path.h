/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How packets to an address leave this host: which interface, which hop; or why they can't. */
#ifndef NET_PATH_H
#define NET_PATH_H

#include "net/rtnl.h"

/* X(constant, sentence): what keeps an address from having a next hop. */
#define PATH_FAULTS(X)                                                                     \
	X(NONE, "is known")                                                                \
	X(ASKING, "is being asked for (ARP or ND)")                                        \
	X(SILENT, "doesn't answer ARP or ND")                                              \
	X(NO_ROUTE, "has no route")                                                        \
	X(LOCAL, "is an address of this host: packets can't be forwarded to it")           \
	X(NOT_UNICAST, "has a route that isn't unicast (blackhole, prohibit, broadcast)")  \
	X(LINK_DOWN, "is behind an interface that is down")                                \
	X(NOT_ETHERNET, "is behind an interface without MAC addresses (tunnel, loopback)") \
	X(REFUSED, "couldn't be looked up: the kernel refused the question or didn't answer")

enum path_fault {
#define X(constant, sentence) PATH_FAULT_##constant,
	PATH_FAULTS(X)
#undef X
};

struct path {
	uint32_t ifindex;
	struct lbd_addr hop;
	uint16_t mtu; /* the link's, or the route's where that is lower */
	uint8_t smac[6];
};

/* Look @dst up. *ret is valid only for PATH_FAULT_NONE. */
enum path_fault path_find(struct rtnl *rtnl, const struct lbd_addr *dst, struct path *ret);

const char *path_fault_sentence(enum path_fault fault);

#endif
