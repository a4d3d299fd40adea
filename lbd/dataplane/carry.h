/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The entries of a table (lbd/conntable.h) on their way into another one, of
 * another size or read from another layout, while packets write to the old one
 * and, later, to the new one.
 *
 * A pass looks at every bucket of the old table and carries what has changed
 * since the pass before, by a copy that it keeps of what it saw. So the first
 * pass carries all, and the next ones cost little more than reading the table.
 * Words are carried bit for bit: backend, flags, NAT attempt and age.
 *
 *   alone:  nothing else writes to the new table; the old one is the truth
 *   shared: packets write to the new table as well; by compare-and-swap
 *
 * While alone, entries that are in the way are moved to the other bucket that
 * they may stand in. Where that doesn't help an entry never displaces a dearer
 * one: what is left out of a table that is too small is what the packet path
 * would have displaced first. One thread; it claims slots of the new table as
 * user space (LBD_KEY_CLAIMED_USER).
 */
#ifndef DATAPLANE_CARRY_H
#define DATAPLANE_CARRY_H

#include "dataplane/tables.h"

/* The old table: raw memory, as it may be an older lbd's. */
struct carry_source {
	const uint8_t *memory;
	uint32_t bucket_size; /* bytes */
	uint32_t buckets;
	/* Make a bucket of this layout of one that was read; NULL: it is one, with clients if IPv6. */
	void (*convert)(void *context, const void *from, struct lbd_bucket6 *to);
	void *context;
};

/* The new one. */
struct carry_target {
	const struct tables *tables; /* that it is one of: what entries age by, ways back */
	struct lbd_bucket *lines;    /* without clients, or ... */
	struct lbd_bucket6 *both;    /* ... with them: IPv6, and clients of sticky services */
	uint32_t buckets;
	bool ageless;	 /* its entries don't expire */
	uint64_t *dirty; /* a bit per bucket; NULL: nobody is told of its entries */
	bool ways;	 /* those that go out by NAT get their way back here as well */
};

struct carry {
	struct carry_source from;
	struct carry_target to;
	uint8_t *seen;	 /* the old table as the last pass found it; NULL: not kept */
	uint32_t bucket; /* where a pass is; for whoever asks how far it is */
	uint32_t vain;	 /* how often in a row no room could be made */
};

/* @keep: remember what a pass saw, which takes as much memory as the old table. */
int carry_open(struct carry *carry, const struct carry_source *from, const struct carry_target *to,
	       bool keep);

/*
 * No more passes: let go of what they saw. What else there is goes on. Accepts
 * one that was never opened, if zeroed.
 */
void carry_close(struct carry *carry);

/* Returns how many entries were new or changed. */
uint64_t carry_pass(struct carry *carry, bool alone);

/* carry_room.c: empty a slot of either bucket by moving others. Only while the carrier is alone. */
bool carry_make_room(struct carry *carry, const uint32_t buckets[2]);

/* Enter all that isn't there, and mark its buckets. */
void carry_prove(struct carry *carry);

/* What isn't there: connections that were alive, and what was as good as gone. */
struct carry_count {
	uint64_t entries; /* in the old table */
	uint64_t live, idle;
};

/* Adds to @count. What came since the last pass isn't left out: if the carrier is alone it goes in. */
void carry_count(struct carry *carry, bool alone, struct carry_count *count);

/* Mark the entries of those buckets that @dirty, of the old table, has a bit for. */
void carry_mark(const struct carry *carry, const uint64_t *dirty);

#endif
