/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Terms (PROTOCOL.md): a number that grows with each takeover, so that what two
 * nodes say of one connection can be put in order. Pure.
 *
 *                        role ACTIVE: highest known + 1
 *   NOT HOLDING ------------------------------------------> HOLDING
 *        ^                                                   |   ^
 *        +--------------- role STANDBY, UNKNOWN -------------+   | a higher term, of a peer
 *                                                            +---+ that isn't active
 *
 * A daemon that starts again while its node is active goes on as it was: what
 * stands on disk says whether it was holding.
 */
#ifndef SYNC_TERM_H
#define SYNC_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/sync.h"
#include "sync/wire.h"

struct term {
	uint64_t own;	  /* of our last takeover; 0: never */
	int64_t began_us; /* CLOCK_MONOTONIC */
	uint64_t known;	  /* the highest heard of, our own among them */
	int64_t ended_us; /* when we were no longer active; 0: we are */
};

/* Are we active, in our own term? */
bool term_is_held(const struct term *term);

/* Our keepalived says so. Returns true if a new term began. */
bool term_set_role(struct term *term, enum sync_role role, int64_t now_us);

/* Is (@term, @node) the higher one? Of two takeovers at once the greater name's counts. */
bool term_is_higher(uint64_t term, const char *node, uint64_t than, const char *than_node);

/* What the header of a peer says, heard by @node; returns true if a new term of ours began. */
bool term_hear(struct term *term, const char *node, const struct wire_message *message,
	       int64_t now_us);

/* The term that @record of @message is first-hand of; 0: of none. */
uint64_t term_of_record(const struct wire_message *message, const struct wire_record *record);

/*
 * May @record, of @message of a peer, stand against what we saw ourselves in
 * our own term? 1: its term is the higher, -1: ours is, 0: it isn't of a term,
 * or we never had one.
 */
int term_standing(const struct term *term, const char *node, const struct wire_message *message,
		  const struct wire_record *record);

#define TERM_LINE_MAX 96

/* As a line for the run directory, and back. -EINVAL: not such a line, or of another boot. */
void term_print(const struct term *term, char line[TERM_LINE_MAX]);
int term_parse(const char *line, int64_t now_us, struct term *ret);

#endif
