/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An entry of the kernel's ARP or ND table. Pure: messages in, values out. */
#ifndef NET_NEIGH_H
#define NET_NEIGH_H

#include "net/rtnl.h"

/* What an entry's state means for whoever wants to send. */
enum neigh_verdict {
	NEIGH_UNKNOWN, /* none, or still asking */
	NEIGH_USABLE,  /* there is a MAC address to use */
	NEIGH_AGED,    /* usable, and to be asked for again */
	NEIGH_FAILED,  /* nobody answered */
};

struct neigh_info {
	uint32_t ifindex;
	struct lbd_addr addr;
	enum neigh_verdict verdict;
	uint8_t mac[6]; /* of a USABLE or AGED one */
};

/* Read the entry of @addr behind @ifindex (Linux 5.0 and later can look up one). */
void neigh_build_get(struct rtnl_request *request, uint32_t ifindex, const struct lbd_addr *addr);

/* Make the kernel ask for @addr now, as if it had a packet for it; acknowledged. */
void neigh_build_use(struct rtnl_request *request, uint32_t ifindex, const struct lbd_addr *addr);

/*
 * 0, or -EBADMSG if @message isn't a sound entry of the ARP or ND table
 * (bridge entries and proxies aren't). A deleted entry is UNKNOWN.
 */
int neigh_parse(const struct nlmsghdr *message, struct neigh_info *ret);

#endif
