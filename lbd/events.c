// SPDX-License-Identifier: GPL-2.0-or-later
/* What reaches the daemon from outside: signals, next hops, health, the watchdog. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "lbd.h"

/* Changes that come together are committed together. */
#define COMMIT_DELAY_US 5000

/* How long a client may have to wait for the first answer by NAT. */
#define CLIENTS_PERIOD_US 20000

static void events_commit(evutil_socket_t fd, short what, void *context)
{
	struct lbd *lbd = context;
	struct error err = { 0 };

	(void)fd;
	(void)what;
	if (!lbd_migrate_takes_commits(lbd))
		lbd_schedule_commit(lbd);
	else if (lbd_commit(lbd, &err))
		log_report("commit", &err);
}

void lbd_schedule_commit(struct lbd *lbd)
{
	const struct timeval delay = { .tv_usec = COMMIT_DELAY_US };

	if (lbd->commit_timer && !evtimer_pending(lbd->commit_timer, NULL))
		evtimer_add(lbd->commit_timer, &delay);
}

bool lbd_next_hop_stands(const struct nexthop *nexthop)
{
	char name[IFNAMSIZ];

	return nexthop->resolved && if_indextoname(nexthop->ifindex, name);
}

static bool events_take_next_hop(struct model *model, const struct lbd_addr *addr,
				 const struct nexthop *nexthop, bool keep)
{
	bool changed = false;

	for (uint32_t i = 1; i < model->limits.backends; i++) {
		struct backend *backend = &model->backends[i];

		if (!backend->index || !lbd_addr_equal(&backend->addr, addr))
			continue;
		/* Lost isn't gone: the last known way serves until another is found. */
		if (keep && !nexthop->resolved && lbd_next_hop_stands(&backend->nexthop))
			continue;
		if (memcmp(&backend->nexthop, nexthop, sizeof(*nexthop)) == 0)
			continue;
		backend->nexthop = *nexthop;
		changed = true;
	}
	return changed;
}

/* What is about to be in force follows, too. */
void lbd_next_hop_changed(void *context, const struct lbd_addr *addr, const struct nexthop *nexthop)
{
	struct lbd *lbd = context;
	bool keep = !path_fault_refuses(neighbours_fault(lbd->neighbours, addr));
	bool changed = events_take_next_hop(lbd->model, addr, nexthop, keep);

	if (lbd->coming)
		changed |= events_take_next_hop(lbd->coming, addr, nexthop, keep);
	if (changed)
		lbd_schedule_commit(lbd);
}

/* A number means the same backend in both models, unless it is free in the other one. */
static void events_tell_coming(struct model *coming, uint16_t index, bool healthy)
{
	if (!coming || index >= coming->limits.backends || !coming->backends[index].index)
		return;
	coming->backends[index].checked = true;
	coming->backends[index].healthy = healthy;
}

void lbd_health_changed(void *context, uint16_t index, bool healthy, const char *reason)
{
	struct lbd *lbd = context;
	struct backend *backend = &lbd->model->backends[index];

	events_tell_coming(lbd->coming, index, healthy);
	backend->checked = true;
	if (backend->healthy == healthy)
		return;
	backend->healthy = healthy;
	if (healthy)
		log_info("service %s: backend %s is up",
			 lbd->model->services[backend->service].name, backend->name);
	else
		log_warning("service %s: backend %s is down: %s",
			    lbd->model->services[backend->service].name, backend->name, reason);
	lbd_schedule_commit(lbd);
}

/*
 * An interface may go and come back (a driver loaded again, a bond or VLAN made
 * anew) under its name: the program went with the old one.
 */
static void events_reattach(struct lbd *lbd, struct dataplane_attachment *attachment)
{
	const uint32_t ifindex = if_nametoindex(attachment->interface);
	struct dataplane_attachment fresh;
	struct error err = { 0 };

	if (!ifindex || ifindex == attachment->ifindex)
		return;
	if (dataplane_attach(lbd->dataplane, lbd->root_object, attachment->interface,
			     lbd->config->xdp.mode, &fresh, &err)) {
		log_report("an interface came back", &err);
		return;
	}
	*attachment = fresh;
	log_info("interface %s came back: %s: %s", fresh.interface, dataplane_mode_name(fresh.mode),
		 fresh.reason);
	lbd_listen_fragments(lbd);
	if (lbd_follow_neighbours(lbd))
		log_error("next hops don't follow interface %s: out of memory", fresh.interface);
	lbd_schedule_commit(lbd);
}

static void events_look_at_interfaces(evutil_socket_t fd, short what, void *context)
{
	struct lbd *lbd = context;

	(void)fd;
	(void)what;
	/* Where the next config stands has been looked at already. */
	if (lbd->coming)
		return;
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++)
		events_reattach(lbd, &lbd->attachments[i]);
}

/*
 * Answers by NAT go where the kernel's neighbours say, and what XDP forwards
 * makes the kernel ask for none: after a takeover it may know no client.
 */
static void events_look_at_clients(evutil_socket_t fd, short what, void *context)
{
	struct lbd *lbd = context;
	struct lbd_addr client;

	(void)fd;
	(void)what;
	for (int i = 0; i < LBD_WANTED_MAX && dataplane_take_wanted(lbd->dataplane, &client); i++)
		neighbours_ask(lbd->neighbours, &client);
}

static int events_start_looking(struct lbd *lbd)
{
	const struct timeval second = { .tv_sec = 1 }, soon = { .tv_usec = CLIENTS_PERIOD_US };

	lbd->interfaces_timer =
		event_new(lbd->base, -1, EV_PERSIST, events_look_at_interfaces, lbd);
	lbd->clients_timer = event_new(lbd->base, -1, EV_PERSIST, events_look_at_clients, lbd);
	if (!lbd->interfaces_timer || event_add(lbd->interfaces_timer, &second))
		return -ENOMEM;
	return lbd->clients_timer && !event_add(lbd->clients_timer, &soon) ? 0 : -ENOMEM;
}

static void events_reloaded(void *context, int rc, const struct error *err)
{
	(void)context;
	if (rc)
		log_report("reload refused, the running config stays", err);
	sd_notify(0, "READY=1");
}

static void events_reload(evutil_socket_t fd, short what, void *context)
{
	const struct lbd_reload_order order = { .trigger = HISTORY_BY_SIGNAL };
	struct error err = { 0 };
	int rc;

	(void)fd;
	(void)what;
	sd_notify(0, "RELOADING=1");
	rc = lbd_reload_begin(context, &order, events_reloaded, context, &err);
	if (rc)
		events_reloaded(context, rc, &err);
}

static void events_stop(evutil_socket_t fd, short what, void *context)
{
	struct lbd *lbd = context;

	(void)fd;
	(void)what;
	log_info("stopping; the packet path stays attached and goes on");
	event_base_loopexit(lbd->base, NULL);
}

static void events_watchdog(evutil_socket_t fd, short what, void *context)
{
	const struct lbd *lbd = context;

	(void)fd;
	(void)what;
	/* Until the one that this goes on for has said goodbye, it is that one's. */
	if (!lbd->heir)
		sd_notify(0, "WATCHDOG=1");
}

static int events_start_watchdog(struct lbd *lbd)
{
	uint64_t us = 0;
	struct timeval interval;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return 0;
	interval = (struct timeval){ .tv_sec = (time_t)(us / 3 / 1000000),
				     .tv_usec = (suseconds_t)(us / 3 % 1000000) };
	lbd->watchdog = event_new(lbd->base, -1, EV_PERSIST, events_watchdog, lbd);
	return lbd->watchdog && !event_add(lbd->watchdog, &interval) ? 0 : -ENOMEM;
}

int lbd_listen_signals(struct lbd *lbd, struct error *err)
{
	static const struct {
		int number;
		event_callback_fn handler;
	} signals[] = {
		{ SIGHUP, events_reload },
		{ SIGTERM, events_stop },
		{ SIGINT, events_stop },
	};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		lbd->signals[i] =
			evsignal_new(lbd->base, signals[i].number, signals[i].handler, lbd);
		if (!lbd->signals[i] || event_add(lbd->signals[i], NULL))
			return error_set(err, -ENOMEM, "signal %d can't be handled",
					 signals[i].number);
	}
	lbd->commit_timer = evtimer_new(lbd->base, events_commit, lbd);
	if (!lbd->commit_timer || events_start_looking(lbd) || events_start_watchdog(lbd))
		return error_set(err, -ENOMEM, "timers can't be made");
	return 0;
}
