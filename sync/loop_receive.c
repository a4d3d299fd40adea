// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "base/log.h"
#include "sync/loop_digest.h"
#include "sync/loop_sample.h"

_Static_assert(SYNC_RELEASE_MAX == WIRE_TEXT_MAX, "what a peer says is kept whole");

/* Messages of a socket in a turn: a full window. */
#define LOOP_RECEIVE_BUDGET (2 * INTAKE_WINDOW)

static struct link *loop_find_link(const struct loop *loop, const char *node)
{
	for (uint32_t i = 0; i < loop->links_count; i++)
		if (strcmp(loop->links[i]->config.name, node) == 0)
			return loop->links[i];
	return NULL;
}

/* --- router: a peer's conversation towards us */

static void loop_take_hello(struct loop *loop, struct link *link,
			    const struct wire_message *message)
{
	if (link->intake.resumes)
		directory_go_on(link->directory);
	else
		directory_clear(link->directory);
	link_hears_boot(link, message->boot, loop->now_us);
	loop_take_digest_hello(link);
}

static void loop_take_dictionary(struct loop *loop, struct link *link,
				 const struct wire_message *message)
{
	uint32_t bad = directory_learn(link->directory, loop->dictionary, message);

	refusal_count(&loop->refusals, REFUSAL_BAD_IDENTITY, bad);
	if (link->judge)
		judge_spoil(link->judge);
}

struct apply_target loop_target(struct loop *loop)
{
	return (struct apply_target){
		.tables = loop->tables,
		.term = &loop->term,
		.node = loop->node,
		.aside = &loop->aside,
		.watch = loop_digest_watch(loop),
	};
}

static void loop_take_records(struct loop *loop, struct link *link,
			      const struct wire_message *message)
{
	struct apply_target target = loop_target(loop);
	uint64_t bad = link->counts.bad;

	target.teller = &link->held;
	apply_records(&target, link->directory, message, &link->counts);
	refusal_count(&loop->refusals, REFUSAL_BAD_RECORD, link->counts.bad - bad);
	link->received_records += message->records4.count + message->records6.count;
}

static void loop_take_bulk_done(struct loop *loop, struct link *link,
				const struct wire_message *message)
{
	loop->news = true;
	if (message->round == 0 && link->intake.resumes)
		log_info("sync: %s has told what changed since the last conversation",
			 link->config.name);
	else if (message->round == link->intake.round)
		log_info("sync: %s has sent its full table: %llu records so far, %llu unknown",
			 link->config.name, (unsigned long long)link->received_records,
			 (unsigned long long)link->counts.unknown);
}

typedef void loop_take(struct loop *loop, struct link *link, const struct wire_message *message);

static loop_take *const loop_takes[WIRE_TYPE_LIMIT] = {
	[WIRE_HELLO] = loop_take_hello,
	[WIRE_DICTIONARY] = loop_take_dictionary,
	[WIRE_RECORDS] = loop_take_records,
	[WIRE_BULK_DONE] = loop_take_bulk_done,
	[WIRE_DIGEST_BEGIN] = loop_take_digest_begin,
	[WIRE_DIGEST] = loop_take_digest,
	[WIRE_SAMPLE] = loop_take_sample,
};

/* Said once a conversation: whoever says nothing is of a release that didn't. */
static void loop_hear_release(struct link *link, const struct wire_message *message)
{
	if (message->type != WIRE_HELLO && message->type != WIRE_WELCOME)
		return;
	if (*message->release && strcmp(link->release, message->release) != 0)
		log_info("sync: %s runs lbd %s%s", link->config.name, message->release,
			 strcmp(message->release, LBD_VERSION) ? ", this node " LBD_VERSION : "");
	memcpy(link->release, message->release, sizeof(link->release));
}

/* Every message in order says what part its sender has. */
static void loop_take_header(struct loop *loop, struct link *link,
			     const struct wire_message *message)
{
	link->role = (enum sync_role)message->role;
	loop_hear_release(link, message);
	loop_hear_term(loop, link, message);
}

/* A refused hello isn't answered: its sender tries again by itself. */
static void loop_refuse(struct loop *loop, const struct intake_route *route,
			const struct wire_message *message, enum refusal refusal)
{
	struct wire_message reset = { 0 };

	refusal_count(&loop->refusals, refusal, 1);
	if (refusal == REFUSAL_UNKNOWN_MESSAGE || message->type == WIRE_HELLO)
		return;
	intake_reset(message, refusal_name(refusal), &reset);
	loop_transmit(loop, loop->router, route, &reset);
}

/* Whoever has a key speaks for its owner alone. */
static bool loop_is_impostor(const char *name, const struct wire_message *message)
{
	return name && strcmp(name, message->node) != 0;
}

static void loop_take_request(void *context, const struct intake_route *route, const char *name,
			      const uint8_t *data, size_t size)
{
	struct loop *loop = context;
	struct wire_message message;
	enum refusal refusal = wire_decode(data, size, &message);
	struct link *link;

	if (!refusal && loop_is_impostor(name, &message))
		refusal = REFUSAL_IMPOSTOR;
	link = refusal ? NULL : loop_find_link(loop, message.node);
	if (!link) {
		refusal_count(&loop->refusals, refusal ? refusal : REFUSAL_UNKNOWN_NODE, 1);
		return;
	}
	link->received_bytes += size;
	if (message.resumes != loop->boot)
		message.resumes = 0; /* it goes on with somebody else */
	refusal = intake_receive(&link->intake, route, &message, loop->now_us);
	if (refusal) {
		loop_refuse(loop, route, &message, refusal);
		return;
	}
	loop_take_header(loop, link, &message);
	if (loop_takes[message.type])
		loop_takes[message.type](loop, link, &message);
}

/* --- dealer: a peer's answers to us */

struct loop_dealer {
	struct loop *loop;
	struct link *link;
};

/* What is dirty when it begins need not be sent twice. */
static void loop_begin(struct loop *loop, struct link *link)
{
	loop_collect_marks(loop);
	link_begin(link);
	if (link->peer.resumed)
		log_info("sync: going on with %s where the last conversation ended: %llu buckets "
			 "to be told",
			 link->config.name, (unsigned long long)link->outbox.pending);
}

static void loop_take_answer(void *context, const struct intake_route *route, const char *name,
			     const uint8_t *data, size_t size)
{
	struct loop_dealer *dealer = context;
	struct link *link = dealer->link;
	struct wire_message message;
	enum refusal refusal = wire_decode(data, size, &message);
	bool mark_all = false;

	(void)route;
	(void)name;
	if (!refusal && strcmp(message.node, link->config.name) != 0)
		refusal = REFUSAL_UNKNOWN_NODE;
	if (!refusal) {
		link->received_bytes += size;
		refusal = peer_receive(&link->peer, &message, dealer->loop->now_us, &mark_all);
	}
	if (!refusal && message.type == WIRE_REPAIR)
		refusal = loop_take_repair(dealer->loop, link, &message);
	if (!refusal && message.type == WIRE_SAMPLE_ASK)
		loop_take_sample_ask(dealer->loop, link, &message);
	refusal_count(&dealer->loop->refusals, refusal, 1);
	if (!refusal) {
		loop_take_header(dealer->loop, link, &message);
		link_answered(link, &message, dealer->loop->now_us);
	}
	if (!refusal && message.type == WIRE_WELCOME)
		loop_begin(dealer->loop, link);
	else if (mark_all)
		link_mark_all(link);
}

static bool loop_receive_router(struct loop *loop)
{
	return transport_receive(loop->router, LOOP_RECEIVE_BUDGET, loop_take_request, loop,
				 &loop->refusals) == LOOP_RECEIVE_BUDGET;
}

static bool loop_receive_dealer(struct loop *loop, struct link *link)
{
	struct loop_dealer dealer = { loop, link };

	return transport_receive(link->dealer, LOOP_RECEIVE_BUDGET, loop_take_answer, &dealer,
				 &loop->refusals) == LOOP_RECEIVE_BUDGET;
}

bool loop_receive(struct loop *loop)
{
	bool more = loop_receive_router(loop);

	for (uint32_t i = 0; i < loop->links_count; i++)
		more |= loop_receive_dealer(loop, loop->links[i]);
	return more;
}
