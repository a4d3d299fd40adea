/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of services and backends that this node doesn't have yet, kept by
 * identity until its config does: the peer that told them may be dead by then.
 *
 *   a ring of records, oldest first, and a hash of their flows over it:
 *
 *     heads[hash] -> record -> record        [first ... first + count)
 *
 * A flow that is told again replaces what was kept of it. When the ring is
 * full the oldest is given up and counted; a RESYNC must then fetch the rest.
 */
#ifndef SYNC_ASIDE_H
#define SYNC_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables.h"
#include "sync/dictionary.h"
#include "sync/sync.h"

#define ASIDE_MAX 65536U

struct aside_record {
	struct wire_service service; /* its identity: the id says nothing */
	struct lbd_addr backend;
	struct table_entry entry; /* but for the ids of service and backend */
	uint64_t term;		  /* 0: first-hand of none */
	bool greater;		  /* is the name of who told it greater than ours? */
	bool second_hand;
	bool plain;	/* of version 1 */
	uint32_t chain; /* aside.c's */
};

struct aside {
	struct aside_record *records; /* NULL until there is the first */
	uint32_t *heads;
	struct lbd_secret secret; /* clients choose what is hashed */
	uint32_t first, count;
	struct sync_kept counts;
};

void aside_init(struct aside *aside, const struct lbd_secret *secret);
void aside_destroy(struct aside *aside);

/* Without memory it counts as given up. */
void aside_keep(struct aside *aside, const struct aside_record *record);

/* What became of a record that was visited. */
enum aside_fate { ASIDE_STAYS, ASIDE_ENTERED, ASIDE_EXPIRED };

/* Visit all, oldest first; those that don't stay are forgotten and counted. */
void aside_visit(struct aside *aside,
		 enum aside_fate (*visit)(void *context, const struct aside_record *record),
		 void *context);

#endif
