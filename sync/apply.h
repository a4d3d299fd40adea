/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of a peer into the connection table: identities mapped, bounds
 * checked, ages clamped; of two versions the one stands that PROTOCOL.md says.
 * Sync thread only, which is the table's one writer in user space.
 */
#ifndef SYNC_APPLY_H
#define SYNC_APPLY_H

#include "dataplane/tables.h"
#include "sync/aside.h"
#include "sync/dictionary.h"
#include "sync/held.h"
#include "sync/term.h"
#include "sync/wire.h"

/* Who wants to know what the records changed. @before is NULL if the flow wasn't there. */
struct apply_watch {
	void (*changed)(void *context, const struct table_entry *before,
			const struct table_entry *entry, uint32_t now);
	void *context;
};

/* Where they go, and who we are. */
struct apply_target {
	const struct tables *tables;
	const struct term *term;
	const char *node;
	struct aside *aside;	  /* where those go that aren't known here */
	struct apply_watch watch; /* changed may be NULL */
	struct held *teller;	  /* what the peer that tells holds, or NULL */
};

/* What became of the records of a peer. */
struct apply_counts {
	uint64_t applied; /* added or updated */
	uint64_t older;	  /* what we hold stands: seen later, or of a higher term */
	uint64_t full;	  /* no slot could be taken */
	uint64_t unknown; /* of a service or backend that isn't configured here: kept aside */
	uint64_t bad;	  /* contradicts the dictionary or itself */
};

/* Enter all records of @message; adds to @counts. */
void apply_records(const struct apply_target *target, struct directory *directory,
		   const struct wire_message *message, struct apply_counts *counts);

/* Our dictionary is another: enter those that were kept aside and are known now. */
void apply_kept(const struct apply_target *target, const struct dictionary *own);

#endif
