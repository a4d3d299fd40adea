// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * No peer can make the next takeover overflow: the decoder takes no higher one.
 * If one has said the highest there is, all who take over have that one, and
 * their names decide.
 */
static void term_begin(struct term *term, int64_t now_us)
{
	term->own = term->known < WIRE_TERM_MAX ? term->known + 1 : WIRE_TERM_MAX;
	term->known = term->own;
	term->began_us = now_us;
	term->ended_us = 0;
}

bool term_is_held(const struct term *term)
{
	return term->own && !term->ended_us;
}

bool term_set_role(struct term *term, enum sync_role role, int64_t now_us)
{
	bool held = term_is_held(term);

	if (role != SYNC_ROLE_ACTIVE) {
		term->ended_us = held ? now_us : term->ended_us;
		return false;
	}
	if (held)
		return false;
	term_begin(term, now_us);
	return true;
}

bool term_is_higher(uint64_t term, const char *node, uint64_t than, const char *than_node)
{
	if (term != than)
		return term > than;
	return term > 0 && strcmp(node, than_node) > 0;
}

bool term_hear(struct term *term, const char *node, const struct wire_message *message,
	       int64_t now_us)
{
	if (message->term > term->known)
		term->known = message->term;
	if (message->term_known > term->known)
		term->known = message->term_known;
	if (!term_is_held(term) || term->own == WIRE_TERM_MAX ||
	    message->role == WIRE_ROLE_ACTIVE ||
	    !term_is_higher(message->term, message->node, term->own, node))
		return false;
	term_begin(term, now_us);
	return true;
}

uint64_t term_of_record(const struct wire_message *message, const struct wire_record *record)
{
	if (record->flags & WIRE_CONN_SECONDHAND || record->age_ms > message->term_ms ||
	    record->age_ms < message->ended_ms)
		return 0;
	return message->term;
}

int term_standing(const struct term *term, const char *node, const struct wire_message *message,
		  const struct wire_record *record)
{
	if (!term->own || !term_of_record(message, record))
		return 0;
	return term_is_higher(message->term, message->node, term->own, node) ? 1 : -1;
}

void term_print(const struct term *term, char line[TERM_LINE_MAX])
{
	snprintf(line, TERM_LINE_MAX, "%" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64, term->own,
		 term->began_us, term->ended_us, term->known);
}

/* The monotonic clock starts with the machine: a beginning that is yet to come is another boot's. */
int term_parse(const char *line, int64_t now_us, struct term *ret)
{
	struct term term = { 0 };
	char more;

	if (sscanf(line, "%" SCNu64 " %" SCNd64 " %" SCNd64 " %" SCNu64 " %c", &term.own,
		   &term.began_us, &term.ended_us, &term.known, &more) != 4)
		return -EINVAL;
	if (term.known > WIRE_TERM_MAX || term.own > term.known || term.began_us > now_us ||
	    term.ended_us > now_us)
		return -EINVAL;
	*ret = term;
	return 0;
}
