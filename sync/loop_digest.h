/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests as part of the loop: which link's prover and judge get time, and what they say. */
#ifndef SYNC_LOOP_DIGEST_H
#define SYNC_LOOP_DIGEST_H

#include "sync/loop.h"

/* Ids mean something else now. */
void loop_digest_learn(struct loop *loop);

/* A turn's share, after the dirty bits were taken. */
void loop_digest(struct loop *loop);

/* What of a digest is to be sent to @link. */
enum peer_action loop_digest_next(struct loop *loop, const struct link *link);
int loop_do_digest_begin(struct loop *loop, struct link *link, enum peer_action action);
int loop_do_digest(struct loop *loop, struct link *link, enum peer_action action);

/* Records went to @link. */
void loop_digest_told(struct loop *loop, struct link *link, const struct wire_message *message);

/* Records are about to be taken for @link: what needn't be told matters to its judge all the same. */
void loop_digest_listen(struct loop *loop, struct link *link);

/* Who wants to know what records change; nobody, if no peer's digest is being judged. */
struct apply_watch loop_digest_watch(struct loop *loop);

void loop_take_digest_hello(struct link *link);
void loop_take_digest_begin(struct loop *loop, struct link *link,
			    const struct wire_message *message);
void loop_take_digest(struct loop *loop, struct link *link, const struct wire_message *message);
enum refusal loop_take_repair(struct loop *loop, struct link *link,
			      const struct wire_message *message);

/* The REPAIR that is owed. */
void loop_fill_repair(struct loop *loop, struct link *link, struct wire_message *message);

#endif
