// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

void link_build_get(struct rtnl_request *request, uint32_t ifindex)
{
	struct ifinfomsg *link = rtnl_begin(request, RTM_GETLINK, 0, sizeof(*link));

	link->ifi_index = (int)ifindex;
}

/* A longer one is none of those that are asked about. */
static void link_get_kind(const struct nlattr *linkinfo, char *ret)
{
	const struct nlattr *attrs[IFLA_INFO_KIND + 1];
	const struct nlattr *kind;
	size_t length;

	rtnl_nested(linkinfo, attrs, IFLA_INFO_KIND);
	kind = attrs[IFLA_INFO_KIND];
	if (!kind)
		return;
	length = mnl_attr_get_payload_len(kind);
	if (length < LINK_KIND_MAX)
		memcpy(ret, mnl_attr_get_payload(kind), length);
}

int link_parse(const struct nlmsghdr *message, struct link_info *ret)
{
	const struct nlattr *attrs[IFLA_LINKINFO + 1];
	const struct ifinfomsg *link = rtnl_attrs(message, sizeof(*link), attrs, IFLA_LINKINFO);

	if (!link || link->ifi_index <= 0)
		return -EBADMSG;
	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (uint32_t)link->ifi_index;
	ret->flags = link->ifi_flags;
	ret->type = link->ifi_type;
	ret->has_mac = rtnl_get_mac(attrs[IFLA_ADDRESS], ret->mac);
	rtnl_get_u32(attrs[IFLA_MTU], &ret->mtu);
	link_get_kind(attrs[IFLA_LINKINFO], ret->kind);
	return 0;
}

bool link_is_running(const struct link_info *link)
{
	return (link->flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

bool link_is_ethernet(const struct link_info *link)
{
	return link->has_mac && link->type == ARPHRD_ETHER && !(link->flags & IFF_NOARP);
}
