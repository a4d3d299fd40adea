/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which connections would break if this node died now: those that the peer
 * doesn't hold, and would send elsewhere than where they are.
 *
 *   entry of the tables --held (sync/held.h)--> unsynced --dataplane_pick--> breaking
 *
 * Entries count that are confirmed, not closing and not expired. The choice is
 * Maglev's, by the tables in force here: the peer has the same configuration
 * and sees the same backends up. What a connection's server id says (QUIC) needs
 * no entry, and a peer finds the first NAT port that is tried by itself.
 *
 * The walk goes in slices, so that the event loop isn't held up. Pure reading.
 */
#ifndef RISK_RISK_H
#define RISK_RISK_H

#include "dataplane/dataplane.h"
#include "model/model.h"
#include "sync/held.h"

struct risk_counts {
	uint64_t connections; /* all that count */
	uint64_t unsynced;    /* the peer isn't known to hold them ... */
	uint64_t breaking;    /* ... and would send them elsewhere */
};

/* One that would break. */
struct risk_connection {
	struct table_entry entry;
	uint16_t choice; /* the peer's backend; 0: none */
};

struct risk {
	const struct tables *tables;
	const struct dataplane *dataplane;
	const struct model *model;
	const struct held *held; /* NULL: there is no peer */
	struct risk_counts all;
	struct risk_counts *services; /* limits.services of them, by id */
	struct risk_connection *list; /* room for list_max; NULL: none are wanted */
	uint32_t list_max, list_count;
};

/* Where a walk ends. */
#define RISK_END UINT32_MAX

/*
 * Add to @risk what stands in the buckets from @from on, for about @budget_us.
 * Returns the bucket to go on with, or RISK_END. Buckets count over both tables.
 */
uint32_t risk_walk(struct risk *risk, uint32_t from, int64_t budget_us);

#endif
