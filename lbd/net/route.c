// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

void route_build_get(struct rtnl_request *request, const struct lbd_addr *dst)
{
	struct rtmsg *route = rtnl_begin(request, RTM_GETROUTE, 0, sizeof(*route));

	route->rtm_family = rtnl_family(dst);
	route->rtm_dst_len = lbd_addr_is4(dst) ? 32 : 128;
	rtnl_put_addr(request, RTA_DST, dst);
}

/* An IPv4 route through an IPv6 gateway (RFC 5549): struct rtvia is a family and an address. */
static bool route_get_via(const struct nlattr *attr, struct lbd_addr *ret)
{
	const size_t head = offsetof(struct rtvia, rtvia_addr);
	const struct rtvia *via;

	if (!attr || mnl_attr_get_payload_len(attr) < head)
		return false;
	via = mnl_attr_get_payload(attr);
	return via->rtvia_family <= UINT8_MAX &&
	       rtnl_addr((uint8_t)via->rtvia_family, via->rtvia_addr,
			 mnl_attr_get_payload_len(attr) - head, ret);
}

static uint32_t route_get_mtu(const struct nlattr *metrics)
{
	const struct nlattr *attrs[RTAX_MTU + 1];
	uint32_t mtu = 0;

	rtnl_nested(metrics, attrs, RTAX_MTU);
	rtnl_get_u32(attrs[RTAX_MTU], &mtu);
	return mtu;
}

int route_parse(const struct nlmsghdr *message, const struct lbd_addr *dst, struct route_info *ret)
{
	const struct nlattr *attrs[RTA_VIA + 1];
	const struct rtmsg *route = rtnl_attrs(message, sizeof(*route), attrs, RTA_VIA);

	if (!route || message->nlmsg_type != RTM_NEWROUTE || route->rtm_family != rtnl_family(dst))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->type = route->rtm_type;
	ret->hop = *dst;
	if (!route_get_via(attrs[RTA_VIA], &ret->hop))
		rtnl_get_addr(route->rtm_family, attrs[RTA_GATEWAY], &ret->hop);
	rtnl_get_u32(attrs[RTA_OIF], &ret->oif);
	ret->mtu = route_get_mtu(attrs[RTA_METRICS]);
	return 0;
}
