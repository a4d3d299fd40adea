/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a peer has not been told yet: one bit a bucket, whatever happened in it.
 *
 *   packet path --sets--> dirty words --taken by exchange--> outbox of each peer
 *   outbox --clear the bit, then read the bucket--> batch --> one RECORDS message
 *
 * Live, catch-up and full resync are the same: bits that are set. Repeated
 * changes coalesce, a slow peer only lags, and nothing can overflow. A bit is
 * cleared before its bucket is read: a change after the read sets it again, a
 * change before the read is in what was read.
 *
 * Both tables share one row of words, IPv4 first. A summary holds one bit a
 * word, so that a nearly empty outbox costs next to nothing to search. Words
 * are visited round-robin; a sweep is one full round since everything was
 * marked, after which all that was marked then has been taken. A round is the
 * same for what happens to be marked.
 */
#ifndef SYNC_OUTBOX_H
#define SYNC_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables.h"
#include "sync/dictionary.h"
#include "sync/flight.h"
#include "sync/wire.h"

struct outbox {
	const struct tables *tables;
	/* Hears of entries that were marked but stand as they were told; NULL: nobody does. */
	void (*unchanged)(void *context, const struct table_entry *entry);
	void *context;
	struct held *held; /* what the peer has acknowledged; NULL: nobody wants to know */
	uint64_t *words;   /* a bit a bucket */
	uint64_t *summary; /* a bit a word */
	uint32_t words4;   /* of them for IPv4 */
	uint32_t words_count;
	uint32_t cursor;      /* word to visit next */
	uint32_t sweep_left;  /* words to visit until the sweep is done; 0: none is on */
	uint64_t visited;     /* words, ever */
	uint64_t whole_until; /* until so many were visited, a peer's entries are taken as well */
	uint64_t pending;     /* bits set */
	uint64_t withheld;    /* entries passed over since their ids aren't in our dictionary yet */
	int64_t now_us;	      /* of the turn; its owner sets it */
	int64_t round_us;     /* when the cursor last began a round, or the outbox to fill ... */
	int64_t since_us;     /* ... and the time before: no bit that is set is older */
};

/* Buckets a batch may empty: those without a confirmed entry yield no row. */
#define OUTBOX_BUCKETS_MAX 4096

/* What was taken out for one message, and what it takes to put it back. */
struct outbox_batch {
	uint8_t rows4[WIRE_RECORDS4_MAX * WIRE_RECORD4_SIZE];
	uint8_t rows6[WIRE_RECORDS6_MAX * WIRE_RECORD6_SIZE];
	uint32_t rows4_count;
	uint32_t rows6_count;
	uint32_t buckets[OUTBOX_BUCKETS_MAX]; /* as word * 64 + bit */
	uint32_t buckets_count;
	struct flight_row told[FLIGHT_ROWS]; /* of each row, in no order */
	uint32_t cursor;		     /* of the outbox, before */
	uint32_t sweep_left;
	int64_t round_us, since_us;
	uint64_t visited;
};

/* 0 or -ENOMEM. Nothing is marked. */
int outbox_init(struct outbox *outbox, const struct tables *tables);
void outbox_destroy(struct outbox *outbox);

/* Mark the buckets of @bits in word @word; mark everything and begin a sweep. */
void outbox_mark(struct outbox *outbox, uint32_t word, uint64_t bits);
void outbox_mark_all(struct outbox *outbox);

/*
 * A sweep over what is marked now, and no more: a conversation goes on where the
 * last one ended. What was under way then was marked again (outbox_recall).
 */
void outbox_sweep(struct outbox *outbox);
void outbox_recall(struct outbox *outbox, const struct flight *flight);

/* Give the marks back to the tables' dirty words: whoever collects them next tells them. */
void outbox_pour(const struct outbox *outbox);

/* Mark a bucket whose entries shall all be told, also those that peers told us: it may lack any. */
void outbox_mark_whole(struct outbox *outbox, uint32_t bucket);

/* What is marked now has been taken when outbox_is_past() the number that is returned. */
uint64_t outbox_begin_round(const struct outbox *outbox);
bool outbox_is_past(const struct outbox *outbox, uint64_t round);

/* Take the tables' dirty words into each of @outboxes, which share the tables. True: there were. */
bool outbox_collect(const struct tables *tables, struct outbox **outboxes, uint32_t count);

/*
 * Take marked buckets and put their confirmed entries into @batch, as many as a
 * message takes. Outside a sweep, entries that a peer told us are left out:
 * who told us tells the others.
 */
void outbox_take(struct outbox *outbox, const struct dictionary *dictionary,
		 struct outbox_batch *batch);

/* The record that tells of @entry. */
void outbox_describe(const struct tables *tables, const struct table_entry *entry, uint32_t now,
		     struct wire_record *ret);

/* When the oldest of the marks was made; -1: there are none. */
int64_t outbox_oldest_us(const struct outbox *outbox);

/* The batch couldn't be sent: mark its buckets again. Only for the last batch taken. */
void outbox_restore(struct outbox *outbox, const struct outbox_batch *batch);

#endif
