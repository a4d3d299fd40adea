/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A planned switchover, as a state machine: the time and the peers go in, what
 * to do with the gate comes out.
 *
 *           begin                 every peer that answers     gate shut: FAULT
 *    IDLE ---------> PROVING ----- proven to hold all -------> MOVING
 *                       |          (or forced)                  |     |
 *                       | no proof in time, or nobody           |     | nobody within
 *                       | waits for it any more                 |     | FAILOVER_TAKE_MS
 *                       v                                       |     v
 *                    REFUSED: nothing was changed               |   FAILED: gate open
 *                                        a peer is active       v   as before
 *                                                              MOVED: gate open, but
 *                                                              this node ranks lower
 *
 * The lower rank lasts until the node becomes master again, so that it doesn't
 * take the VIP back by its priority.
 */
#ifndef HA_FAILOVER_H
#define HA_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/sync.h"

#define FAILOVER_TAKE_MS 3000	/* for a peer to take over: many adverts */
#define FAILOVER_ASKED_MS 3000	/* who doesn't look for so long has gone away */
#define FAILOVER_FRESH_MS 3000	/* a proof older than some digests is none */
#define FAILOVER_UNSYNCED_MS 50 /* changes are always under way: but not for long */
#define FAILOVER_SILENT_MS 1000

/* X(constant, name) */
#define FAILOVER_STATES(X)    \
	X(IDLE, "idle")       \
	X(PROVING, "proving") \
	X(MOVING, "moving")   \
	X(MOVED, "moved")     \
	X(REFUSED, "refused") \
	X(FAILED, "failed")

enum failover_state {
#define X(constant, name) FAILOVER_##constant,
	FAILOVER_STATES(X)
#undef X
};

/* What to do with the gate. */
enum failover_action {
	FAILOVER_NOTHING,
	FAILOVER_SHUT,	/* the node goes to FAULT */
	FAILOVER_YIELD, /* open, with a lower rank */
	FAILOVER_OPEN,	/* as it was */
};

struct failover {
	enum failover_state state;
	bool force;
	int64_t timeout_ms;
	int64_t began_ms, asked_ms, shut_ms;
	int64_t without_master_ms; /* from shutting the gate until a peer was heard to be active; -1 */
	char sentence[240];
};

/* True while it needs turns. */
bool failover_is_on(const struct failover *failover);

void failover_begin(struct failover *failover, bool force, int64_t timeout_ms, int64_t now_ms);

/* Somebody still waits for it. */
void failover_asked(struct failover *failover, int64_t now_ms);

enum failover_action failover_turn(struct failover *failover, int64_t now_ms,
				   const struct sync_peer_status *peers, uint32_t count);

/* If it still waits for proof: @why there can't be any. */
void failover_refuse(struct failover *failover, const char *why);

const char *failover_state_name(enum failover_state state);

/* A switchover of the past: what @name (NULL or unknown: none) says of it. */
void failover_take_state(struct failover *failover, const char *name);

#endif
