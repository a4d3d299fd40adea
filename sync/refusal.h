/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why something from the network was not taken. One list: each refusal has its
 * counter, its name in metrics and JSON, and the sentence that a person reads.
 * Nothing from a peer is dropped without going through here.
 */
#ifndef SYNC_REFUSAL_H
#define SYNC_REFUSAL_H

#include <stdint.h>

/* X(constant, name, sentence) */
#define REFUSALS(X)                                                                                \
	X(HANDSHAKE, "handshake", "a connection that ended before it said anything in ZMTP")       \
	X(FRAMES, "frames", "a message of more or fewer frames than one")                          \
	X(TOO_LONG, "too_long", "a message or field longer than its limit")                        \
	X(NOT_LBD, "not_lbd", "bytes that don't start as a message of lbd does")                   \
	X(TRUNCATED, "truncated", "a message that ends in the middle of a value")                  \
	X(TRAILING, "trailing", "a message with bytes after its end")                              \
	X(TOO_DEEP, "too_deep", "a message nested deeper than allowed")                            \
	X(BAD_TYPE, "bad_type", "a field of another msgpack type than expected")                   \
	X(OUT_OF_RANGE, "out_of_range", "a field outside its range")                               \
	X(DUPLICATE, "duplicate", "a message with the same field twice")                           \
	X(MISSING, "missing", "a message without a field that its type needs")                     \
	X(BAD_ROWS, "bad_rows", "rows that don't fill their field or are too short")               \
	X(WRONG_VERSION, "wrong_version", "a protocol version that isn't spoken here")             \
	X(UNKNOWN_MESSAGE, "unknown_message", "a type of message that isn't known here; ignored")  \
	X(UNKNOWN_NODE, "unknown_node", "a node that isn't a configured peer")                     \
	X(NO_CONVERSATION, "no_conversation", "a message outside the conversation; hello is due")  \
	X(OUT_OF_ORDER, "out_of_order", "a gap or a repetition in the sequence; hello is due")     \
	X(OVER_CREDIT, "over_credit", "more messages than the credit granted")                     \
	X(UNEXPECTED, "unexpected", "a message that makes no sense in that direction or state")    \
	X(BAD_RECORD, "bad_record", "a record that contradicts the dictionary or itself; skipped") \
	X(BAD_IDENTITY, "bad_identity", "a dictionary row with an impossible id; skipped")         \
	X(ADDRESS, "address",                                                                      \
	  "a packet for the port that isn't from a peer's address, or out of place")               \
	X(CROWD, "crowd", "a connection too many, or packets of one, from a peer's address")       \
	X(MECHANISM, "mechanism", "a connection without CURVE, or with it in plaintext")           \
	X(OTHER_SERVER, "other_server", "a connection encrypted for a key that isn't this node's") \
	X(UNKNOWN_KEY, "unknown_key", "a connection with a key that isn't a peer's")               \
	X(BROKEN, "broken", "a connection that sent a message too long, or not as encrypted")      \
	X(OLD_KEY, "old_key", "a message over a connection whose key was taken off the list")      \
	X(IMPOSTOR, "impostor", "a message in the name of another node than the key's")            \
	X(BAD_DIGEST, "bad_digest", "sums or regions of a pass that nobody began, or none at all")

enum refusal {
	REFUSAL_NONE,
#define X(constant, name, sentence) REFUSAL_##constant,
	REFUSALS(X)
#undef X
		REFUSAL_COUNT,
};

struct refusals {
	uint64_t counts[REFUSAL_COUNT];
};

/* Count it; the first of its kind is logged, unless it is a matter of course. REFUSAL_NONE is ignored. */
void refusal_count(struct refusals *refusals, enum refusal refusal, uint64_t n);

const char *refusal_name(enum refusal refusal);
const char *refusal_sentence(enum refusal refusal);

#endif
