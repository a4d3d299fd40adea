// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One target per watched address. Its path (interface and hop) comes from
 * path_find, its MAC address from the neighbour entry of that hop:
 *
 *            entry usable                      entry FAILED, path lost
 *   asking --------------> resolved -----------------------------> lost
 *     ^                     |   ^  entry vanishes: keep the MAC,    |
 *     |                     +---+  ask again                        |
 *     +------------------- asked every second ----------------------+
 *
 * A change of route or link says too little about which targets it concerns
 * (an interface that goes down takes its IPv4 routes along without a word), so
 * any of them, and any loss of events, ends in neighbours_reread: every target
 * is looked up anew, rate limited. Neighbour events are applied one by one.
 *
 * When a path changes to a hop that isn't known yet, the old next hop stands
 * until the new one has answered: dropping would lose what might still arrive.
 */
#include "net/neighbours.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "net/neigh.h"
#include "net/path.h"
#include "net/rtnl.h"

#define TICK_MS 1000
#define TICKS_PER_REFRESH 10 /* aged entries are asked for again this often */

/* The first change is followed quickly; a routing daemon that loads a table isn't followed. */
#define REREAD_DELAY_MS 5
#define REREAD_PAUSE_MS 250

struct target {
	struct lbd_addr addr;
	enum path_fault fault; /* NONE: resolved */
	bool routed;	       /* path is valid */
	bool has_mac;	       /* mac is the hop's */
	bool aged;
	uint8_t mac[6];
	struct path path;
	struct nexthop nexthop; /* as last told */
};

struct neighbours {
	struct rtnl *questions, *events;
	struct event *readable, *tick, *reread;
	neighbours_changed changed;
	void *context;
	uint32_t *doors; /* doors_count of them */
	uint32_t doors_count;
	bool native;
	struct target *targets; /* sorted by address */
	uint32_t count;
	uint32_t ticks;
	int64_t reread_ms;
};

static bool nexthop_equal(const struct nexthop *a, const struct nexthop *b)
{
	if (!a->resolved || !b->resolved)
		return a->resolved == b->resolved;
	return a->ifindex == b->ifindex && a->mtu == b->mtu &&
	       !memcmp(a->dmac, b->dmac, sizeof(a->dmac)) &&
	       !memcmp(a->smac, b->smac, sizeof(a->smac));
}

static void target_tell(struct neighbours *neighbours, struct target *target,
			const struct nexthop *nexthop)
{
	if (nexthop_equal(&target->nexthop, nexthop))
		return;
	target->nexthop = *nexthop;
	neighbours->changed(neighbours->context, &target->addr, &target->nexthop);
}

static void target_set_fault(struct target *target, enum path_fault fault)
{
	char text[ADDR_TEXT_MAX];

	if (target->fault == fault)
		return;
	target->fault = fault;
	log_debug("next hop: %s %s", addr_format(&target->addr, text), path_fault_sentence(fault));
}

static void target_lose(struct neighbours *neighbours, struct target *target, enum path_fault fault)
{
	const struct nexthop none = { 0 };

	target->has_mac = false;
	target->aged = false;
	target_set_fault(target, fault);
	target_tell(neighbours, target, &none);
}

/* Refused while an interface goes down: then an event follows, and nothing is lost. */
static void target_ask(const struct neighbours *neighbours, const struct target *target)
{
	struct rtnl_request request;

	neigh_build_use(&request, target->path.ifindex, &target->path.hop);
	rtnl_ask(neighbours->questions, &request, NULL);
}

static enum path_fault neighbours_path(const struct neighbours *neighbours,
				       const struct lbd_addr *addr, struct path *ret)
{
	const struct path_doors doors = { neighbours->doors, neighbours->doors_count,
					  neighbours->native };

	return path_find(neighbours->questions, addr, &doors, ret);
}

void neighbours_ask(struct neighbours *neighbours, const struct lbd_addr *addr)
{
	struct target target = { .addr = *addr };

	if (neighbours_path(neighbours, addr, &target.path) == PATH_FAULT_NONE)
		target_ask(neighbours, &target);
}

static void target_resolve(struct neighbours *neighbours, struct target *target)
{
	struct nexthop nexthop = { .resolved = true };

	nexthop.ifindex = target->path.ifindex;
	nexthop.mtu = target->path.mtu;
	memcpy(nexthop.smac, target->path.smac, sizeof(nexthop.smac));
	memcpy(nexthop.dmac, target->mac, sizeof(nexthop.dmac));
	target_set_fault(target, PATH_FAULT_NONE);
	target_tell(neighbours, target, &nexthop);
}

static void target_apply(struct neighbours *neighbours, struct target *target,
			 const struct neigh_info *neigh)
{
	target->aged = neigh->verdict == NEIGH_AGED;
	switch (neigh->verdict) {
	case NEIGH_FAILED:
		target_lose(neighbours, target, PATH_FAULT_SILENT);
		return;
	case NEIGH_UNKNOWN:
		target_ask(neighbours, target);
		break;
	case NEIGH_USABLE:
	case NEIGH_AGED:
		target->has_mac = true;
		memcpy(target->mac, neigh->mac, sizeof(target->mac));
		break;
	}
	if (target->has_mac)
		target_resolve(neighbours, target);
	else if (!target->nexthop.resolved && target->fault != PATH_FAULT_SILENT)
		target_set_fault(target, PATH_FAULT_ASKING);
}

/* What the kernel knows of the target's hop; an entry that isn't there is UNKNOWN. */
static void target_read_neigh(const struct neighbours *neighbours, const struct target *target,
			      struct neigh_info *ret)
{
	struct rtnl_request request;
	const struct nlmsghdr *reply;
	int rc;

	neigh_build_get(&request, target->path.ifindex, &target->path.hop);
	rc = rtnl_ask(neighbours->questions, &request, &reply);
	if (rc || neigh_parse(reply, ret))
		memset(ret, 0, sizeof(*ret));
}

static void target_set_path(struct target *target, const struct path *path)
{
	if (!target->routed || target->path.ifindex != path->ifindex ||
	    !lbd_addr_equal(&target->path.hop, &path->hop))
		target->has_mac = false;
	target->routed = true;
	target->path = *path;
}

static void target_lookup(struct neighbours *neighbours, struct target *target)
{
	enum path_fault fault;
	struct neigh_info neigh;
	struct path path;

	fault = neighbours_path(neighbours, &target->addr, &path);
	if (fault) {
		target->routed = false;
		target_lose(neighbours, target, fault);
		return;
	}
	target_set_path(target, &path);
	target_read_neigh(neighbours, target, &neigh);
	target_apply(neighbours, target, &neigh);
}

static void neighbours_reread(evutil_socket_t fd, short what, void *context)
{
	struct neighbours *neighbours = context;

	(void)fd, (void)what;
	for (uint32_t i = 0; i < neighbours->count; i++)
		target_lookup(neighbours, &neighbours->targets[i]);
	neighbours->reread_ms = monotonic_ms();
}

static void neighbours_schedule_reread(struct neighbours *neighbours)
{
	int64_t since = monotonic_ms() - neighbours->reread_ms;
	int64_t delay = since >= REREAD_PAUSE_MS ? REREAD_DELAY_MS : REREAD_PAUSE_MS - since;
	struct timeval after = { .tv_usec = delay * 1000 };

	if (!evtimer_pending(neighbours->reread, NULL))
		evtimer_add(neighbours->reread, &after);
}

static void neighbours_on_path(struct neighbours *neighbours, const struct nlmsghdr *message)
{
	(void)message;
	neighbours_schedule_reread(neighbours);
}

/*
 * An entry that an administrator deletes is called FAILED for a moment before
 * it vanishes. Only one that is there and FAILED says that nobody answered.
 */
static void target_on_neigh(struct neighbours *neighbours, struct target *target,
			    const struct neigh_info *event)
{
	struct neigh_info neigh = *event;

	if (neigh.verdict == NEIGH_FAILED)
		target_read_neigh(neighbours, target, &neigh);
	target_apply(neighbours, target, &neigh);
}

static void neighbours_on_neigh(struct neighbours *neighbours, const struct nlmsghdr *message)
{
	struct neigh_info neigh;

	if (neigh_parse(message, &neigh))
		return;
	for (uint32_t i = 0; i < neighbours->count; i++) {
		struct target *target = &neighbours->targets[i];

		if (target->routed && target->path.ifindex == neigh.ifindex &&
		    lbd_addr_equal(&target->path.hop, &neigh.addr))
			target_on_neigh(neighbours, target, &neigh);
	}
}

static void neighbours_on_event(void *context, const struct nlmsghdr *message)
{
	static const struct {
		uint16_t type;
		void (*handle)(struct neighbours *neighbours, const struct nlmsghdr *message);
	} handlers[] = {
		{ RTM_NEWNEIGH, neighbours_on_neigh },	{ RTM_DELNEIGH, neighbours_on_neigh },
		{ RTM_NEWROUTE, neighbours_on_path },	{ RTM_DELROUTE, neighbours_on_path },
		{ RTM_NEWLINK, neighbours_on_path },	{ RTM_DELLINK, neighbours_on_path },
		{ RTM_NEWRULE, neighbours_on_path },	{ RTM_DELRULE, neighbours_on_path },
		{ RTM_NEWNEXTHOP, neighbours_on_path }, { RTM_DELNEXTHOP, neighbours_on_path },
	};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (handlers[i].type == message->nlmsg_type)
			handlers[i].handle(context, message);
}

static void neighbours_on_readable(evutil_socket_t fd, short what, void *context)
{
	struct neighbours *neighbours = context;

	(void)fd, (void)what;
	if (rtnl_events(neighbours->events, neighbours_on_event, neighbours))
		neighbours_schedule_reread(neighbours);
}

/*
 * Packets that XDP forwards don't keep an entry fresh, and one that failed is
 * only asked for when somebody sends: this is that somebody.
 */
static void neighbours_on_tick(evutil_socket_t fd, short what, void *context)
{
	struct neighbours *neighbours = context;
	bool refresh = ++neighbours->ticks % TICKS_PER_REFRESH == 0;

	(void)fd, (void)what;
	for (uint32_t i = 0; i < neighbours->count; i++) {
		const struct target *target = &neighbours->targets[i];

		if (target->routed && (!target->has_mac || (refresh && target->aged)))
			target_ask(neighbours, target);
	}
}

static int neighbours_open(struct neighbours *neighbours, struct error *err)
{
	static const unsigned int groups[] = {
		RTNLGRP_LINK,	   RTNLGRP_NEIGH,     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
	};
	int rc = rtnl_open(groups, sizeof(groups) / sizeof(*groups), &neighbours->events, err);

	return rc ? rc : rtnl_open(NULL, 0, &neighbours->questions, err);
}

static int neighbours_start(struct neighbours *neighbours, struct event_base *base)
{
	const struct timeval period = { .tv_sec = TICK_MS / 1000 };

	neighbours->readable = event_new(base, rtnl_fd(neighbours->events), EV_READ | EV_PERSIST,
					 neighbours_on_readable, neighbours);
	neighbours->tick = event_new(base, -1, EV_PERSIST, neighbours_on_tick, neighbours);
	neighbours->reread = evtimer_new(base, neighbours_reread, neighbours);
	if (!neighbours->readable || !neighbours->tick || !neighbours->reread)
		return -ENOMEM;
	if (event_add(neighbours->readable, NULL) || event_add(neighbours->tick, &period))
		return -ENOMEM;
	return 0;
}

int neighbours_new(struct event_base *base, neighbours_changed changed, void *context,
		   struct neighbours **ret, struct error *err)
{
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
	int rc;

	if (!neighbours)
		return error_set(err, -ENOMEM, "neighbours: no memory");
	neighbours->changed = changed;
	neighbours->context = context;
	rc = neighbours_open(neighbours, err);
	if (!rc && neighbours_start(neighbours, base))
		rc = error_set(err, -ENOMEM, "neighbours: no memory for events");
	if (rc) {
		neighbours_free(neighbours);
		return rc;
	}
	*ret = neighbours;
	return 0;
}

static int target_compare(const void *a, const void *b)
{
	const struct target *left = a, *right = b;

	return memcmp(left->addr.bytes, right->addr.bytes, sizeof(left->addr.bytes));
}

static struct target *neighbours_target(const struct neighbours *neighbours,
					const struct lbd_addr *addr)
{
	struct target key = { .addr = *addr };

	if (!neighbours->count)
		return NULL;
	return bsearch(&key, neighbours->targets, neighbours->count, sizeof(key), target_compare);
}

/* Targets for @addrs, sorted, each address once; what is known already is taken over. */
static struct target *neighbours_targets(const struct neighbours *neighbours,
					 const struct lbd_addr *addrs, uint32_t count,
					 uint32_t *ret_count)
{
	struct target *targets = calloc(count + 1U, sizeof(*targets));
	uint32_t kept = 0;

	if (!targets)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct target *old = neighbours_target(neighbours, &addrs[i]);

		if (old)
			targets[i] = *old;
		targets[i].addr = addrs[i];
	}
	qsort(targets, count, sizeof(*targets), target_compare);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || target_compare(&targets[kept - 1], &targets[i]))
			targets[kept++] = targets[i];
	*ret_count = kept;
	return targets;
}

int neighbours_watch(struct neighbours *neighbours, const struct lbd_addr *addrs, uint32_t count)
{
	struct target *targets;
	uint32_t kept;

	targets = neighbours_targets(neighbours, addrs, count, &kept);
	if (!targets)
		return -ENOMEM;
	free(neighbours->targets);
	neighbours->targets = targets;
	neighbours->count = kept;
	for (uint32_t i = 0; i < kept; i++)
		if (!targets[i].routed)
			target_lookup(neighbours, &targets[i]);
	return 0;
}

bool neighbours_find(const struct neighbours *neighbours, const struct lbd_addr *addr,
		     struct nexthop *ret)
{
	const struct target *target = neighbours_target(neighbours, addr);

	if (target)
		*ret = target->nexthop;
	return target;
}

enum path_fault neighbours_fault(const struct neighbours *neighbours, const struct lbd_addr *addr)
{
	const struct target *target = neighbours_target(neighbours, addr);

	return target ? target->fault : PATH_FAULT_NONE;
}

static bool neighbours_has_doors(const struct neighbours *neighbours,
				 const struct path_doors *doors)
{
	if (neighbours->native != doors->native || neighbours->doors_count != doors->count)
		return false;
	for (uint32_t i = 0; i < doors->count; i++)
		if (neighbours->doors[i] != doors->ifindexes[i])
			return false;
	return true;
}

int neighbours_set_doors(struct neighbours *neighbours, const struct path_doors *doors)
{
	uint32_t *copy;

	if (neighbours_has_doors(neighbours, doors))
		return 0;
	copy = calloc(doors->count + 1U, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	for (uint32_t i = 0; i < doors->count; i++)
		copy[i] = doors->ifindexes[i];
	free(neighbours->doors);
	neighbours->doors = copy;
	neighbours->doors_count = doors->count;
	neighbours->native = doors->native;
	for (uint32_t i = 0; i < neighbours->count; i++)
		target_lookup(neighbours, &neighbours->targets[i]);
	return 0;
}

static void neighbours_free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void neighbours_free(struct neighbours *neighbours)
{
	if (!neighbours)
		return;
	neighbours_free_event(neighbours->readable);
	neighbours_free_event(neighbours->tick);
	neighbours_free_event(neighbours->reread);
	rtnl_close(neighbours->events);
	rtnl_close(neighbours->questions);
	free(neighbours->targets);
	free(neighbours->doors);
	free(neighbours);
}
