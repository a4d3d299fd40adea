// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/neigh.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define NEIGH_USABLE_STATES (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_DELAY | NUD_PROBE)

static void neigh_build(struct rtnl_request *request, uint16_t type, uint16_t flags,
			uint8_t neigh_flags, uint32_t ifindex, const struct lbd_addr *addr)
{
	struct ndmsg *neigh = rtnl_begin(request, type, flags, sizeof(*neigh));

	neigh->ndm_family = rtnl_family(addr);
	neigh->ndm_ifindex = (int)ifindex;
	neigh->ndm_flags = neigh_flags;
	rtnl_put_addr(request, NDA_DST, addr);
}

void neigh_build_get(struct rtnl_request *request, uint32_t ifindex, const struct lbd_addr *addr)
{
	neigh_build(request, RTM_GETNEIGH, 0, 0, ifindex, addr);
}

void neigh_build_use(struct rtnl_request *request, uint32_t ifindex, const struct lbd_addr *addr)
{
	neigh_build(request, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, NTF_USE,
		    ifindex, addr);
}

static enum neigh_verdict neigh_judge(uint16_t state, bool has_mac)
{
	if (state & NUD_FAILED)
		return NEIGH_FAILED;
	if (!has_mac)
		return NEIGH_UNKNOWN;
	if (state & NUD_STALE)
		return NEIGH_AGED;
	return (state & NEIGH_USABLE_STATES) ? NEIGH_USABLE : NEIGH_UNKNOWN;
}

int neigh_parse(const struct nlmsghdr *message, struct neigh_info *ret)
{
	const struct nlattr *attrs[NDA_LLADDR + 1];
	const struct ndmsg *neigh = rtnl_attrs(message, sizeof(*neigh), attrs, NDA_LLADDR);

	if (!neigh || neigh->ndm_ifindex <= 0 || neigh->ndm_flags & NTF_PROXY)
		return -EBADMSG;
	if (message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (uint32_t)neigh->ndm_ifindex;
	if (!rtnl_get_addr(neigh->ndm_family, attrs[NDA_DST], &ret->addr))
		return -EBADMSG;
	if (message->nlmsg_type == RTM_NEWNEIGH)
		ret->verdict =
			neigh_judge(neigh->ndm_state, rtnl_get_mac(attrs[NDA_LLADDR], ret->mac));
	return 0;
}
