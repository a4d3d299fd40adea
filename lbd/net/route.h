/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A route as a lookup by RTM_GETROUTE answers it. Pure: messages in, values out. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/rtnl.h"

struct route_info {
	uint8_t type;	     /* RTN_* */
	uint32_t oif;	     /* 0: none */
	struct lbd_addr hop; /* the gateway, of either family, or the destination itself */
	uint32_t mtu;	     /* the route's own limit, 0: none */
};

/* Ask which route a packet from this host to @dst would take. */
void route_build_get(struct rtnl_request *request, const struct lbd_addr *dst);

/* 0, or -EBADMSG if @message isn't a sound answer to the question for @dst. */
int route_parse(const struct nlmsghdr *message, const struct lbd_addr *dst, struct route_info *ret);

#endif
