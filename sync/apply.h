/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of a peer into the connection table: identities mapped, bounds
 * checked, ages clamped; newer wins (tables_put). Sync thread only, which is
 * the table's one writer in user space.
 */
#ifndef SYNC_APPLY_H
#define SYNC_APPLY_H

#include "dataplane/tables.h"
#include "sync/dictionary.h"
#include "sync/wire.h"

/* What became of the records of a peer. */
struct apply_counts {
	uint64_t applied; /* added or updated */
	uint64_t older;	  /* what we hold was seen later */
	uint64_t full;	  /* no slot could be taken */
	uint64_t unknown; /* of a service or backend that isn't configured here */
	uint64_t bad;	  /* contradicts the dictionary or itself */
};

/* Who wants to know what the records changed. @before is NULL if the flow wasn't there. */
struct apply_watch {
	void (*changed)(void *context, const struct table_entry *before,
			const struct table_entry *entry, uint32_t now);
	void *context;
};

/* Enter all records of @message; adds to @counts. @watch may be NULL. */
void apply_records(const struct tables *tables, struct directory *directory,
		   const struct wire_message *message, const struct apply_watch *watch,
		   struct apply_counts *counts);

#endif
