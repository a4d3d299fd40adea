/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass over both tables that adds up their regions, in slices: between two of
 * them the thread does its other work. The time is that of the begin, so that
 * an entry's age doesn't depend on when its bucket was reached.
 */
#ifndef SYNC_DIGEST_PASS_H
#define SYNC_DIGEST_PASS_H

#include "sync/digest.h"

struct digest_pass {
	uint64_t key;  /* of the hashes */
	uint32_t now;  /* tick of the begin */
	uint32_t next; /* bucket to read next, IPv4 first */
	uint32_t buckets;
	uint64_t sums[WIRE_REGIONS];
};

/* An established entry, counted or too old. */
struct digest_seen {
	const struct table_entry *entry;
	uint32_t bucket; /* as the outbox counts them: IPv4 first */
	uint32_t slot;	 /* in it */
	uint64_t identity;
	uint64_t hash;
	uint32_t region;
	uint32_t idle, limit; /* ticks; it counts if idle < limit */
};

/* What a pass looks at. @see may be NULL; entries of backends not @known are passed over. */
struct digest_view {
	const struct tables *tables;
	const struct digest_identities *identities;
	const bool *known; /* by id; NULL: all are */
	void (*see)(void *context, const struct digest_seen *seen);
	void *context;
};

void digest_pass_begin(struct digest_pass *pass, const struct tables *tables, uint64_t key);

/* Go on for at most @buckets. True: the pass is complete. */
bool digest_pass_slice(struct digest_pass *pass, const struct digest_view *view, uint32_t buckets);

#endif
