/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proving a peer what we told it: our end of the digests (PROTOCOL.md), of
 * which judge.h is the other. Pure but for the pass over the tables and the
 * marks in the outbox.
 *
 *            due: DIGEST_BEGIN          table read          dirty bits taken
 *   RESTING --------------------> PASS ------------> READ ------------------> TELL
 *      ^  ^                                                                    |
 *      |  +--- REPAIR, or no answer --- WAIT <-------------- SEND <------------+
 *      |                                    last DIGEST        what was marked is told
 *      +--- another conversation, dictionary or state (from anywhere)
 *
 * A pass begins once a second at most, sooner while regions differ, and never
 * before twenty times what the last one cost has gone by.
 */
#ifndef SYNC_PROVER_H
#define SYNC_PROVER_H

#include "sync/digest_pass.h"
#include "sync/outbox.h"
#include "sync/proof.h"

#define PROVER_PERIOD_US (1000 * 1000LL)
#define PROVER_HURRY_US (250 * 1000LL)		/* a region differs: is it a divergence? */
#define PROVER_HURRIES 8			/* then it isn't to be repaired soon */
#define PROVER_PATIENCE_US (10 * 1000 * 1000LL) /* for the answer */
#define PROVER_COST_FACTOR 20

enum prover_state {
	PROVER_RESTING,
	PROVER_PASS,
	PROVER_READ,
	PROVER_TELL,
	PROVER_SEND,
	PROVER_WAIT,
};

struct prover {
	enum prover_state state;
	uint64_t conversation; /* that passes are of */
	uint64_t number;       /* of the pass, in this conversation */
	struct digest_pass pass;
	uint64_t round;	    /* of the outbox: what must be told before the sums */
	uint32_t sums_next; /* first region of the next part */
	int64_t started_us; /* DIGEST_BEGIN */
	int64_t waiting_us; /* last DIGEST */
	int64_t cost_us;    /* of this pass */
	uint32_t before;    /* tick of the last complete pass */
	bool has_before;
	uint32_t differed;	    /* passes in a row in which regions differed */
	struct digest_set repair;   /* regions to mark in the next pass */
	struct digest_set repaired; /* marked in the last one: the peer has told what it holds */
	struct digest_set diverged; /* asked for, and not known to agree since */
	struct proof proof;
};

void prover_init(struct prover *prover);

/* Give the pass up, if one is on: the sums would be of two worlds. */
void prover_abandon(struct prover *prover);

/* A new conversation: passes count anew, nothing is proven. */
void prover_reset(struct prover *prover, uint64_t conversation);

/* May DIGEST_BEGIN be sent? @shares: how many links share the thread's time. */
bool prover_is_due(const struct prover *prover, int64_t now_us, uint32_t shares);

/* DIGEST_BEGIN was sent. */
void prover_begin(struct prover *prover, const struct tables *tables, uint64_t boot,
		  int64_t now_us);

/* Go on with the pass for at most @buckets, and mark in @outbox what needs telling. */
void prover_slice(struct prover *prover, const struct tables *tables,
		  const struct digest_identities *identities, struct outbox *outbox,
		  uint32_t buckets);

/* The dirty bits were taken, or batches sent: move on if the pass waited for that. */
void prover_turn(struct prover *prover, struct outbox *outbox, int64_t now_us);

/* The next DIGEST: its fields, with the rows in @rows (WIRE_SUMS_MAX of them). */
void prover_fill(const struct prover *prover, uint8_t *rows, struct wire_message *ret);
void prover_sent(struct prover *prover, int64_t now_us);

/* A REPAIR came. */
enum refusal prover_take(struct prover *prover, const struct wire_message *message, int64_t now_us);

#endif
