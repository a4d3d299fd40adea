/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judging what a peer proves: do we hold what it holds? The other end of
 * prover.h (PROTOCOL.md, Digests).
 *
 *         DIGEST_BEGIN        last DIGEST       table read       dirty bits taken
 *   IDLE -------------> OPEN ------------> PASS ---------> READ -----------------+
 *    ^                                                                           v
 *    +---- REPAIR is due <---- JUDGE <---- what was marked is told ------------ TELL
 *
 * From a while before DIGEST_BEGIN on, everything that came into our table, went
 * out of it or was told to the peer is kept as unsettled: a difference made of
 * that is none. A region that differs twice running is a divergence.
 */
#ifndef SYNC_JUDGE_H
#define SYNC_JUDGE_H

#include "sync/digest_pass.h"
#include "sync/outbox.h"
#include "sync/proof.h"
#include "sync/unsettled.h"

#define JUDGE_BEFORE_US (250 * 1000LL) /* what was told that long before may not have arrived */
#define JUDGE_MARGIN_TICKS 3	       /* by which the nodes' ages may differ */
#define JUDGE_WAIT_MIN_MS 2000	       /* a region isn't asked for again before, then double ... */
#define JUDGE_WAIT_MAX_MS 60000	       /* ... up to that */

enum judge_state { JUDGE_IDLE, JUDGE_OPEN, JUDGE_PASS, JUDGE_READ, JUDGE_TELL, JUDGE_JUDGE };

/* What is known of a region. */
struct judge_region {
	bool differed; /* in the last pass */
	bool diverged; /* twice running, and hasn't agreed since */
	uint32_t wait_ms;
	int64_t ask_us; /* not before */
};

struct judge {
	enum judge_state state;
	uint64_t key;	 /* the peer's boot */
	uint64_t number; /* of the pass */
	bool spoiled;	 /* ids changed their meaning meanwhile: no verdict */
	int64_t began_us;
	uint32_t began; /* tick */
	uint32_t sums_next;
	uint64_t theirs[WIRE_REGIONS]; /* their sums, later what they differ by from ours */
	struct digest_pass pass;
	bool known[DICTIONARY_IDS]; /* our backends that the peer has as well */
	uint64_t round;
	uint64_t rows_next, rows_end; /* of the unsettled: yet to be looked at */
	uint64_t concluded;	      /* number of the pass that the REPAIR is about */
	struct digest_set asked;      /* in it */
	struct digest_set repair;     /* to mark here, in the next pass */
	struct judge_region regions[WIRE_REGIONS];
	struct digest_span spans[WIRE_REGIONS];
	struct unsettled unsettled;
};

/* NULL without memory. */
struct judge *judge_new(void);
void judge_free(struct judge *judge); /* accepts NULL */

/* DIGEST_BEGIN. */
enum refusal judge_begin(struct judge *judge, const struct tables *tables,
			 const struct wire_message *message, int64_t now_us);

/* DIGEST; the last one begins our own pass. @peer: what the peer's ids are here. */
enum refusal judge_take(struct judge *judge, const struct tables *tables,
			const struct directory *peer, const struct wire_message *message);

/* Ids change their meaning: the pass that is on will say nothing. */
void judge_spoil(struct judge *judge);

/* Go on with the pass or with what follows it, for about @amount buckets or rows. */
void judge_slice(struct judge *judge, const struct tables *tables,
		 const struct digest_identities *identities, struct outbox *outbox, uint32_t amount,
		 int64_t now_us);
bool judge_is_busy(const struct judge *judge);

/*
 * The dirty bits were taken, or batches sent: move on if the pass waited for
 * that. Without a conversation in which we tell (@telling) it doesn't wait.
 */
void judge_turn(struct judge *judge, struct outbox *outbox, bool telling);

/* All was compared: what it shows goes to @proof, and a REPAIR is owed. True if that was so now. */
bool judge_conclude(struct judge *judge, struct proof *proof, int64_t now_us);

/* The REPAIR owed: its fields, with the rows in @rows (WIRE_REGIONS of them). */
void judge_fill(const struct judge *judge, const struct proof *proof, uint8_t *rows,
		struct wire_message *ret);

/* --- what happens to the table meanwhile */

/* @entry was told to the peer. */
void judge_told(struct judge *judge, const struct digest_identities *identities,
		const struct table_entry *entry, int64_t now_us);

/* An entry that came, and what was there of the same flow before, or NULL. */
struct judge_change {
	const struct table_entry *before;
	const struct table_entry *entry;
	uint32_t now; /* tick */
};

void judge_changed(struct judge *judge, const struct tables *tables,
		   const struct digest_identities *identities, const struct judge_change *change,
		   int64_t now_us);

#endif
