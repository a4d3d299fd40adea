/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two kinds of replay share. */
#ifndef UPGRADE_REPLAY_INTERNAL_H
#define UPGRADE_REPLAY_INTERNAL_H

#include "upgrade/replay.h"

/* What was said of one packet, and what comes of it. */
struct replay_case {
	const struct replay *replay;
	struct replay_report *report;
	uint8_t frame[sizeof(((struct replay_verdict *)0)->frame)];
	struct replay_verdict said[3]; /* the old one, the new one, the old one again */
};

/* @packet's frame into place, and counted. */
void replay_begin(struct replay_case *now, const struct replay_packet *packet);

/* The same was done with the packet; the same was said of it. */
bool replay_did_alike(const struct replay_verdict *a, const struct replay_verdict *b);
bool replay_said_alike(const struct replay_verdict *a, const struct replay_verdict *b);

/* They differ: count it, and enter it into the list. */
void replay_list(struct replay_case *now, const struct replay_packet *packet);

/* What the backend of a translated connection sends back. False: it can't be known. */
bool replay_answer(const struct replay_case *now, const struct replay_packet *packet,
		   struct replay_packet *ret);

/* -EBADMSG with the first difference, of a replay that people call @name. */
int replay_conclude(const struct replay_report *report, const char *name, struct error *err);

#endif
