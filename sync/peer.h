/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our conversation towards a peer: what we send it, and what it answers. Pure:
 * messages and the time go in, the next thing to do comes out; loop.c does it
 * and says whether it worked. The other direction is intake.h.
 *
 *             hello sent            welcome              every bucket that was marked
 *  CONNECTING ----------> HELLO -------------> BULK ---------------------------> LIVE
 *    ^   ^  ^               |     (mark all)   | ^      at the welcome was sent   | |
 *    |   |  |  no answer    |                  | |                                | |
 *    |   |  +---------------+                  | +---- resync asked (mark all) ---+ |
 *    |   |                                     |                                    |
 *    |   +-- reset asked (from BULK, LIVE, STALE)      nothing heard for DEAD, bye  |
 *    |                                         v                                    v
 *    |      no answer for GIVE_UP            STALE <--------------------------------+
 *    +---------- (new connection) -------------+
 *                                              +--> BULK or LIVE, as it was: heard again
 *
 * A new hello begins a new conversation: everything is marked, so nothing that
 * got lost with the old one can stay lost. Unless both say that it goes on
 * (PROTOCOL.md, Going on): then what is marked already is all that the peer lacks. Sequences count within a
 * conversation, and answers to an older one are refused. While STALE, marked
 * buckets stay marked; nothing queues up.
 */
#ifndef SYNC_PEER_H
#define SYNC_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/sync.h"
#include "sync/wire.h"

#define PEER_HEARTBEAT_US (50 * 1000LL)
#define PEER_ANSWER_US (100 * 1000LL) /* to a heartbeat: not later, if both get to run */
#define PEER_DEAD_US (350 * 1000LL)
#define PEER_GIVE_UP_US (2000 * 1000LL)
#define PEER_RETRY_US (20 * 1000LL)  /* not connected: try to send the hello again */
#define PEER_RESET_US (100 * 1000LL) /* a peer that keeps resetting doesn't get us busy */

struct peer {
	enum sync_state state;
	enum sync_state resume; /* where to go from STALE: BULK or LIVE */
	uint64_t boot;		/* the peer's; 0 unknown */
	uint64_t resumes; /* boot that lacks nothing but what is marked for it; 0: none known */
	bool resumed;	  /* this conversation goes on from the last */
	bool left;	  /* the peer said bye, and nothing since */
	uint64_t version; /* agreed at the welcome */
	uint64_t conversation;
	uint64_t sequence; /* of the next message */
	uint64_t answered; /* least sequence that the next answer may have */
	uint64_t credit;   /* data messages that we may have sent in all ... */
	uint64_t used;	   /* ... and have sent */
	uint64_t consumed; /* of those, what stands in the peer's table */
	uint64_t round;	   /* of the bulk: the peer's count of resyncs asked */
	bool dictionary_due;
	int64_t retry_us;     /* CONNECTING: not before */
	int64_t hello_us;     /* HELLO: sent at */
	int64_t fresh_us;     /* connection made, or first used, at */
	int64_t heard_us;     /* -1 never */
	int64_t looked_us;    /* the last turn in which it could have been heard */
	int64_t back_us;      /* such turns began again at, after a time without any */
	int64_t heartbeat_us; /* last sent */
	uint32_t rtt_us;
	uint64_t welcomes;
	uint64_t resyncs;  /* times that the whole table was to be told */
	uint64_t silences; /* times that it was taken for dead, as nothing was heard */
};

/* X(constant, type of the message it sends, or 0, uses credit) */
#define PEER_ACTIONS(X)                          \
	X(NOTHING, 0, false)                     \
	X(RECONNECT, 0, false)                   \
	X(HELLO, WIRE_HELLO, false)              \
	X(DICTIONARY, WIRE_DICTIONARY, true)     \
	X(RECORDS, WIRE_RECORDS, true)           \
	X(BULK_DONE, WIRE_BULK_DONE, false)      \
	X(DIGEST_BEGIN, WIRE_DIGEST_BEGIN, true) \
	X(DIGEST, WIRE_DIGEST, true)             \
	X(SAMPLE, WIRE_SAMPLE, true)             \
	X(HEARTBEAT, WIRE_HEARTBEAT, false)      \
	X(BYE, WIRE_BYE, false)

enum peer_action {
#define X(constant, type, credit) PEER_##constant,
	PEER_ACTIONS(X)
#undef X
};

/* The time, when it was heard elsewhere, and what its outbox says. */
struct peer_input {
	int64_t now_us;
	int64_t heard_us;	 /* in the peer's own conversation, on its connection; -1 never */
	bool pending;		 /* buckets are marked */
	bool swept;		 /* all that was marked by mark_all was taken */
	enum peer_action digest; /* what of a digest is due: its begin, sums, or NOTHING */
	bool sample;		 /* one that was asked for is ready */
};

void peer_init(struct peer *peer, int64_t now_us);

/* What to do next; call again until NOTHING. May change the state (time passes). */
enum peer_action peer_next(struct peer *peer, const struct peer_input *input);

/* Header and own fields of the message for @action. Doesn't change the state. */
void peer_fill(const struct peer *peer, enum peer_action action, int64_t now_us,
	       struct wire_message *ret);

/* Does @action send data, which takes credit? */
bool peer_is_data(enum peer_action action);

/* @action was done. @more: the dictionary has further parts. */
void peer_done(struct peer *peer, enum peer_action action, bool more, int64_t now_us);

/* @action couldn't be done now (not connected, or the connection is full). */
void peer_failed(struct peer *peer, enum peer_action action, int64_t now_us);

/*
 * An answer came. *ret_mark_all: all buckets must be marked now. After a welcome
 * without that the conversation goes on (@resumed).
 */
enum refusal peer_receive(struct peer *peer, const struct wire_message *message, int64_t now_us,
			  bool *ret_mark_all);

/* Our part is another: say so at once, with a heartbeat. */
void peer_say_role(struct peer *peer);

/* Our dictionary is another: tell it before further records. */
void peer_tell_dictionary(struct peer *peer);

/* It may lack anything: the next conversation begins anew. */
void peer_forget(struct peer *peer);

/* Begin again with a hello (our own name changed). */
void peer_restart(struct peer *peer, int64_t now_us);

const char *peer_state_name(enum sync_state state);

#endif
