/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link as RTM_GETLINK describes it. Pure: messages in, values out. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/rtnl.h"

#define LINK_KIND_MAX 16

struct link_info {
	uint32_t ifindex;
	uint32_t flags; /* IFF_* */
	uint32_t mtu;	/* 0: not told */
	uint16_t type;	/* ARPHRD_* */
	bool has_mac;
	uint8_t mac[6];
	char kind[LINK_KIND_MAX]; /* of a device made of software, such as "vlan"; else empty */
};

void link_build_get(struct rtnl_request *request, uint32_t ifindex);

/* 0, or -EBADMSG if @message isn't a sound RTM_NEWLINK or RTM_DELLINK. */
int link_parse(const struct nlmsghdr *message, struct link_info *ret);

/* Does it carry frames: up, with carrier? */
bool link_is_running(const struct link_info *link);

/* Has it Ethernet addresses that ARP or ND resolve? Tunnels and loopback haven't. */
bool link_is_ethernet(const struct link_info *link);

#endif
