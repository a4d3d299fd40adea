// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>

#include "sync/loop_digest.h"
#include "sync/loop_sample.h"

/* Messages a link may send in a turn, so that one in bulk doesn't starve the others. */
#define LOOP_SEND_BUDGET 16

_Static_assert((int)SYNC_ROLE_ACTIVE == WIRE_ROLE_ACTIVE &&
		       (int)SYNC_ROLE_STANDBY == WIRE_ROLE_STANDBY,
	       "roles go over the wire as they are");

int loop_transmit(struct loop *loop, struct transport_socket *socket,
		  const struct intake_route *route, struct wire_message *message)
{
	int size, err;

	snprintf(message->node, sizeof(message->node), "%s", loop->node);
	message->boot = loop->boot;
	loop_fill_term(loop, message);
	snprintf(message->release, sizeof(message->release), "%s", LBD_VERSION);
	size = wire_encode(message, loop->buffer, sizeof(loop->buffer));
	if (size < 0)
		return size;
	err = transport_send(socket, route, loop->buffer, (size_t)size);
	return err ? err : size;
}

/* --- our conversation */

int loop_send_action(struct loop *loop, struct link *link, enum peer_action action,
		     struct wire_message *message)
{
	int size;

	peer_fill(&link->peer, action, loop->now_us, message);
	size = loop_transmit(loop, link->dealer, NULL, message);
	if (size < 0) {
		peer_failed(&link->peer, action, loop->now_us);
		return size;
	}
	link->sent_bytes += (uint64_t)size;
	if (peer_is_data(action))
		bandwidth_spend(&loop->bandwidth, (uint64_t)size);
	peer_done(&link->peer, action, message->more, loop->now_us);
	return 0;
}

static int loop_do_plain(struct loop *loop, struct link *link, enum peer_action action)
{
	struct wire_message message = { 0 };

	return loop_send_action(loop, link, action, &message);
}

static int loop_do_reconnect(struct loop *loop, struct link *link, enum peer_action action)
{
	const struct link_own own = loop_own(loop);
	int err = link_reconnect(link, &own);

	if (!err)
		peer_done(&link->peer, action, false, loop->now_us);
	return err;
}

static int loop_do_hello(struct loop *loop, struct link *link, enum peer_action action)
{
	link->dictionary_next = 0;
	if (!link_may_go_on(link))
		peer_forget(&link->peer);
	return loop_do_plain(loop, link, action);
}

static int loop_do_dictionary(struct loop *loop, struct link *link, enum peer_action action)
{
	struct wire_message message = { .dictionary = loop->dictionary_version };
	int err;

	dictionary_part(loop->dictionary, link->dictionary_next, &loop->part, &message);
	err = loop_send_action(loop, link, action, &message);
	if (!err)
		link->dictionary_next = message.more ? loop->part.next : 0;
	return err;
}

static void loop_told(struct loop *loop, struct link *link, const struct outbox_batch *batch,
		      const struct wire_message *message)
{
	link_told(link, batch);
	loop_digest_told(loop, link, message);
}

/* The bits are cleared when the rows are made: what can't be sent is marked again. */
static int loop_do_records(struct loop *loop, struct link *link, enum peer_action action)
{
	struct outbox_batch *batch = &loop->batch;
	struct wire_message message = { 0 };
	int err;

	loop_digest_listen(loop, link);
	outbox_take(&link->outbox, loop->dictionary, batch);
	if (batch->rows4_count + batch->rows6_count == 0)
		return 0;
	message.records4 =
		(struct wire_rows){ batch->rows4, WIRE_RECORD4_SIZE, batch->rows4_count };
	message.records6 =
		(struct wire_rows){ batch->rows6, WIRE_RECORD6_SIZE, batch->rows6_count };
	err = loop_send_action(loop, link, action, &message);
	if (err)
		outbox_restore(&link->outbox, batch);
	else
		loop_told(loop, link, batch, &message);
	return err;
}

static int loop_do_bulk_done(struct loop *loop, struct link *link, enum peer_action action)
{
	int err = loop_do_plain(loop, link, action);

	if (!err)
		link_told_all(link);
	return err;
}

typedef int loop_do(struct loop *loop, struct link *link, enum peer_action action);

static loop_do *const loop_does[] = {
	[PEER_RECONNECT] = loop_do_reconnect,	[PEER_HELLO] = loop_do_hello,
	[PEER_DICTIONARY] = loop_do_dictionary, [PEER_RECORDS] = loop_do_records,
	[PEER_BULK_DONE] = loop_do_bulk_done,	[PEER_DIGEST_BEGIN] = loop_do_digest_begin,
	[PEER_DIGEST] = loop_do_digest,		[PEER_SAMPLE] = loop_do_sample,
	[PEER_HEARTBEAT] = loop_do_plain,	[PEER_BYE] = loop_do_plain,
};

/* Returns true if something was done and more may follow. */
static bool loop_act(struct loop *loop, struct link *link)
{
	/* What keeps the conversation alive goes without asking. */
	bool may = bandwidth_may(&loop->bandwidth, loop->now_us);
	struct peer_input input = {
		.now_us = loop->now_us,
		.heard_us = link->intake.heard_us,
		.pending = may && link->outbox.pending > 0,
		.swept = link->outbox.sweep_left == 0,
		.digest = may ? loop_digest_next(loop, link) : PEER_NOTHING,
		.sample = loop_sample_is_due(loop, link),
	};
	enum peer_action action = peer_next(&link->peer, &input);

	return action != PEER_NOTHING && loop_does[action](loop, link, action) == 0;
}

/* --- the other's conversation */

static bool loop_answer(struct loop *loop, struct link *link)
{
	enum intake_answer answer = intake_next(&link->intake);
	struct wire_message message = { 0 };
	int size;

	if (answer == INTAKE_NOTHING)
		return false;
	intake_fill(&link->intake, answer, &message);
	if (answer == INTAKE_REPAIR)
		loop_fill_repair(loop, link, &message);
	size = loop_transmit(loop, loop->router, &link->intake.route, &message);
	if (size == -EHOSTUNREACH)
		intake_close(&link->intake);
	if (size < 0)
		return false;
	link->sent_bytes += (uint64_t)size;
	intake_done(&link->intake, answer);
	return true;
}

bool loop_serve(struct loop *loop, struct link *link)
{
	uint32_t budget = LOOP_SEND_BUDGET;

	while (loop_answer(loop, link))
		;
	while (budget > 0 && loop_act(loop, link))
		budget--;
	return budget == 0;
}

void loop_say_bye(struct loop *loop, struct link *link)
{
	if (link_wants_marks(link))
		loop_do_plain(loop, link, PEER_BYE);
	if (!link->intake.open)
		return;
	link->intake.owed = 1U << INTAKE_BYE;
	loop_answer(loop, link);
}
