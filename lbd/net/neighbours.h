/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Next hops of the backends, from the kernel's routes and neighbours over
 * rtnetlink (rtnetlink(7)), and whatever changes about them later.
 *
 *   watched address -> route (oif, gateway) -> neighbour (MAC) -> callback
 *
 * A missing or stale neighbour is asked for (NTF_USE) and kept fresh, because
 * packets that XDP forwards don't count as use for the kernel. When a
 * neighbour entry vanishes its last MAC stays in force until the kernel says
 * FAILED or names another one.
 */
#ifndef NET_NEIGHBOURS_H
#define NET_NEIGHBOURS_H

#include <event2/event.h>

#include "base/error.h"
#include "model/model.h"
#include "net/path.h"

struct neighbours;

/*
 * Called from the event loop, and from neighbours_watch, when the next hop of
 * @addr becomes known, changes or is lost. Must not watch or free.
 */
typedef void (*neighbours_changed)(void *context, const struct lbd_addr *addr,
				   const struct nexthop *nexthop);

/* *ret is the caller's, freed with neighbours_free. */
int neighbours_new(struct event_base *base, neighbours_changed changed, void *context,
		   struct neighbours **ret, struct error *err);

/*
 * Packets for what is watched come in by @doors, which are copied; until told, by
 * none. What is watched already is looked up anew if they are others than before.
 */
int neighbours_set_doors(struct neighbours *neighbours, const struct path_doors *doors);

/*
 * Watch exactly these addresses (an address may stand several times); others
 * are dropped. New ones are looked up before this returns where the kernel
 * knows them already: the callback has then been called. Others follow later.
 */
int neighbours_watch(struct neighbours *neighbours, const struct lbd_addr *addrs, uint32_t count);

/* Have the kernel ask for the next hop to @addr, which needn't be watched. Nothing is told back. */
void neighbours_ask(struct neighbours *neighbours, const struct lbd_addr *addr);

/* What is known of @addr now. False if it isn't watched. */
bool neighbours_find(const struct neighbours *neighbours, const struct lbd_addr *addr,
		     struct nexthop *ret);

/* What keeps @addr from having a next hop; PATH_FAULT_NONE too if it isn't watched. */
enum path_fault neighbours_fault(const struct neighbours *neighbours, const struct lbd_addr *addr);

/* Accepts NULL. */
void neighbours_free(struct neighbours *neighbours);

#endif
