/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The return tables (lbd/nat.h) from user space: the way back of a replicated
 * connection, so that its answers find home here after a failover.
 *
 * As in the packet path, the connection's own entry comes first. So there are
 * two steps around entering it: may it be had, and take it.
 */
#ifndef DATAPLANE_TABLES_NAT_H
#define DATAPLANE_TABLES_NAT_H

#include "dataplane/tables.h"

struct tables_way {
	struct lbd_nat_way way;
	struct lbd_bucket *line;
	struct lbd_addr *client; /* NULL: IPv4 */
	uint32_t slot;
	uint64_t held; /* key that stands there */
	bool ours;     /* and it is the flow's already */
};

/* Does @entry go out by NAT here, at the attempt that it names? */
bool tables_nat_concerns(const struct tables *tables, const struct table_entry *entry);

/* Find the place of the way back of @entry. False: another connection has it. */
bool tables_nat_find(const struct tables *tables, const struct table_entry *entry,
		     struct tables_way *ret);

/* Take it for @flow, whose entry is in the connection table by now. */
void tables_nat_take(const struct tables_way *way, const struct lbd_flow *flow);

#endif
