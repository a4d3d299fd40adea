/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples of live connections, for a drill: asked for by a standby, made by the
 * active node, and compared by whoever asked; never entered.
 *
 *   sync_ask_sample -> SAMPLE_ASK => sampler, in slices -> SAMPLE => loop->sample -> sync_get_sample
 */
#ifndef SYNC_LOOP_SAMPLE_H
#define SYNC_LOOP_SAMPLE_H

#include "sync/loop.h"

/* Ask the peer that is active for @count connections. */
void loop_ask_sample(struct loop *loop, uint32_t count);

/* A peer asks; a turn's share of the walk; is the sample to be sent, and send it. */
void loop_take_sample_ask(struct loop *loop, struct link *link, const struct wire_message *message);
void loop_sample(struct loop *loop);
bool loop_sample_is_due(const struct loop *loop, const struct link *link);
int loop_do_sample(struct loop *loop, struct link *link, enum peer_action action);

/* The sample has come. */
void loop_take_sample(struct loop *loop, struct link *link, const struct wire_message *message);

#endif
