/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer's conversation towards us: what it sends, and what we owe it. Pure,
 * like peer.h, of which this is the other end.
 *
 *             hello                      anything out of order, over credit or malformed
 *   CLOSED ----------> OPEN ------------------------------------------> CLOSED, reset is sent
 *                       |  ^                            bye -----------> CLOSED
 *                       +--+ hello on any connection begins a new conversation
 *
 * Order and completeness are checked here and nowhere else: each message has
 * the sequence that follows the last one's. Data is taken as far as credit was
 * granted; the grant moves on as messages are consumed, so what a peer can have
 * under way towards us is bounded by INTAKE_WINDOW messages. The grant is also
 * the acknowledgement: it goes out at the end of each turn in which data came.
 */
#ifndef SYNC_INTAKE_H
#define SYNC_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/wire.h"

#define INTAKE_WINDOW 64     /* data messages a peer may have under way */
#define INTAKE_ROUTE_MAX 255 /* ZeroMQ's limit of a routing id */

/* Where answers go: ZeroMQ's name of the connection. */
struct intake_route {
	uint32_t router; /* which ROUTER's name */
	uint8_t size;
	uint8_t bytes[INTAKE_ROUTE_MAX];
};

struct intake {
	bool open;
	struct intake_route route;
	uint64_t version; /* agreed with the hello */
	uint64_t boot;	  /* the peer's; kept when closed */
	uint64_t conversation;
	uint64_t expected; /* sequence of its next message */
	uint64_t sequence; /* of our next answer */
	uint64_t consumed; /* data messages taken ... */
	uint64_t credit;   /* ... of as many granted */
	uint64_t round;	   /* resyncs asked in this conversation */
	uint32_t sample;   /* connections to ask for */
	uint64_t token;	   /* of the heartbeat to answer */
	uint32_t owed;	   /* a bit per enum intake_answer */
	bool received_all; /* its full table has arrived in this conversation */
	/*
	 * All that its boot told until its first full table was complete, and all that it
	 * had acknowledged since, is here: what is lacking is marked there.
	 */
	bool had_all;
	uint64_t resumes; /* our boot, with which this conversation goes on; 0: begun anew */
	int64_t heard_us; /* -1 never */
};

/* X(constant, type of the message): what we may owe, in the order in which it is sent. */
#define INTAKE_ANSWERS(X)              \
	X(WELCOME, WIRE_WELCOME)       \
	X(HEARTBEAT, WIRE_HEARTBEAT)   \
	X(RESYNC, WIRE_RESYNC)         \
	X(CREDIT, WIRE_CREDIT)         \
	X(REPAIR, WIRE_REPAIR)         \
	X(SAMPLE_ASK, WIRE_SAMPLE_ASK) \
	X(BYE, WIRE_BYE)

enum intake_answer {
#define X(constant, type) INTAKE_##constant,
	INTAKE_ANSWERS(X)
#undef X
		INTAKE_NOTHING,
};

void intake_init(struct intake *intake);

/*
 * Check a message that came from @route. A hello that names our boot, if that is what we
 * are, asks to go on (@message->resumes; 0 otherwise, which the caller sees to). REFUSAL_NONE: it is in order, and the
 * caller takes its rows, if any. Everything else is refused; if the type isn't
 * HELLO, the caller sends a reset to where it came from (intake_reset).
 */
enum refusal intake_receive(struct intake *intake, const struct intake_route *route,
			    const struct wire_message *message, int64_t now_us);

/* The peer shall send its whole table again. */
void intake_ask_resync(struct intake *intake);

/* The peer shall send a sample of its connections. Version 1 knows no such thing. */
void intake_ask_sample(struct intake *intake, uint32_t count);

/* A digest was judged: the answer is due. */
void intake_answer_digest(struct intake *intake);

/* What we owe next, or INTAKE_NOTHING. */
enum intake_answer intake_next(const struct intake *intake);

/* Header and own fields of that answer. */
void intake_fill(const struct intake *intake, enum intake_answer answer, struct wire_message *ret);
void intake_done(struct intake *intake, enum intake_answer answer);

/* No more answers: the connection is gone, or the peer is. */
void intake_close(struct intake *intake);

/* What is here says nothing of what comes: the next conversation begins anew. */
void intake_forget(struct intake *intake);

/* The reset that answers @message, which was refused. */
void intake_reset(const struct wire_message *message, const char *reason, struct wire_message *ret);

#endif
