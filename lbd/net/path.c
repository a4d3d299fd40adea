// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/path.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "net/link.h"
#include "net/route.h"

/* IPv4 answers "no route" by an error, IPv6 by one or by an unreachable route. */
static const struct path_refusal {
	int code;
	enum path_fault fault;
} path_refusals[] = {
	{ -ENETUNREACH, PATH_FAULT_NO_ROUTE }, { -EHOSTUNREACH, PATH_FAULT_NO_ROUTE },
	{ -ENETDOWN, PATH_FAULT_LINK_DOWN },   { -ENODEV, PATH_FAULT_LINK_DOWN },
	{ -EACCES, PATH_FAULT_NOT_UNICAST },   { -EINVAL, PATH_FAULT_NOT_UNICAST },
};

static enum path_fault path_refused(int code)
{
	for (size_t i = 0; i < sizeof(path_refusals) / sizeof(*path_refusals); i++)
		if (path_refusals[i].code == code)
			return path_refusals[i].fault;
	return PATH_FAULT_REFUSED;
}

static enum path_fault path_judge_route(const struct route_info *route)
{
	switch (route->type) {
	case RTN_UNICAST:
		return route->oif ? PATH_FAULT_NONE : PATH_FAULT_NO_ROUTE;
	case RTN_LOCAL:
		return PATH_FAULT_LOCAL;
	case RTN_UNREACHABLE:
		return PATH_FAULT_NO_ROUTE;
	default:
		return PATH_FAULT_NOT_UNICAST;
	}
}

static enum path_fault path_find_route(struct rtnl *rtnl, const struct lbd_addr *dst,
				       struct route_info *ret)
{
	struct rtnl_request request;
	const struct nlmsghdr *reply;
	int rc;

	route_build_get(&request, dst);
	rc = rtnl_ask(rtnl, &request, &reply);
	if (!rc)
		rc = route_parse(reply, dst, ret);
	return rc ? path_refused(rc) : path_judge_route(ret);
}

static enum path_fault path_find_link(struct rtnl *rtnl, uint32_t ifindex, struct link_info *ret)
{
	struct rtnl_request request;
	const struct nlmsghdr *reply;
	int rc;

	link_build_get(&request, ifindex);
	rc = rtnl_ask(rtnl, &request, &reply);
	if (!rc)
		rc = link_parse(reply, ret);
	if (rc)
		return path_refused(rc);
	if (!link_is_running(ret))
		return PATH_FAULT_LINK_DOWN;
	return link_is_ethernet(ret) ? PATH_FAULT_NONE : PATH_FAULT_NOT_ETHERNET;
}

static bool path_has_door(const struct path_doors *doors, uint32_t ifindex)
{
	for (uint32_t i = 0; i < doors->count; i++)
		if (doors->ifindexes[i] == ifindex)
			return true;
	return false;
}

/* Would it drop what is redirected to it? */
static enum path_fault path_judge_link(const struct path_doors *doors, const struct link_info *link)
{
	static const struct {
		const char *kind;
		enum path_fault fault;
	} deaf[] = {
		{ "vlan", PATH_FAULT_VLAN },
		{ "bridge", PATH_FAULT_STACKED },
		{ "macvlan", PATH_FAULT_STACKED },
	};

	if (!doors->native || path_has_door(doors, link->ifindex))
		return PATH_FAULT_NONE;
	for (size_t i = 0; i < sizeof(deaf) / sizeof(*deaf); i++)
		if (!strcmp(deaf[i].kind, link->kind))
			return deaf[i].fault;
	return PATH_FAULT_NONE;
}

static uint16_t path_mtu(uint32_t link, uint32_t route)
{
	uint32_t mtu = route && route < link ? route : link;

	return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

enum path_fault path_find(struct rtnl *rtnl, const struct lbd_addr *dst,
			  const struct path_doors *doors, struct path *ret)
{
	struct route_info route;
	struct link_info link;
	enum path_fault fault = path_find_route(rtnl, dst, &route);

	if (!fault)
		fault = path_find_link(rtnl, route.oif, &link);
	if (!fault)
		fault = path_judge_link(doors, &link);
	if (fault)
		return fault;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = route.oif;
	ret->hop = route.hop;
	ret->mtu = path_mtu(link.mtu, route.mtu);
	memcpy(ret->smac, link.mac, sizeof(ret->smac));
	return PATH_FAULT_NONE;
}

bool path_fault_refuses(enum path_fault fault)
{
	return fault == PATH_FAULT_VLAN || fault == PATH_FAULT_STACKED;
}

const char *path_fault_sentence(enum path_fault fault)
{
	static const char *const sentences[] = {
#define X(constant, sentence) sentence,
		PATH_FAULTS(X)
#undef X
	};

	return sentences[fault];
}
