// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/peer.h"

#include <string.h>

#include "sync/intake.h"

static const struct {
	uint8_t type;
	bool credit;
} peer_actions[] = {
#define X(constant, type, credit) [PEER_##constant] = { type, credit },
	PEER_ACTIONS(X)
#undef X
};

const char *peer_state_name(enum sync_state state)
{
	static const char *const names[] = {
#define X(constant, name) [SYNC_STATE_##constant] = name,
		SYNC_STATES(X)
#undef X
	};

	return names[state];
}

void peer_init(struct peer *peer, int64_t now_us)
{
	*peer = (struct peer){
		.state = SYNC_STATE_CONNECTING,
		.version = WIRE_VERSION_MIN,
		.retry_us = now_us,
		.fresh_us = now_us,
		.heard_us = -1,
	};
}

static void peer_connect(struct peer *peer, int64_t retry_us)
{
	peer->state = SYNC_STATE_CONNECTING;
	peer->retry_us = retry_us;
}

void peer_forget(struct peer *peer)
{
	peer->resumes = 0;
}

void peer_restart(struct peer *peer, int64_t now_us)
{
	peer_connect(peer, now_us);
}

/* Not a word on this connection for so long: TCP may take minutes to notice. */
static bool peer_is_given_up(const struct peer *peer, int64_t now_us)
{
	return now_us - peer->heard_us > PEER_GIVE_UP_US &&
	       now_us - peer->fresh_us > PEER_GIVE_UP_US;
}

static bool peer_has_credit(const struct peer *peer)
{
	return peer->used < peer->credit;
}

static bool peer_heartbeat_due(const struct peer *peer, int64_t now_us)
{
	return now_us - peer->heartbeat_us >= PEER_HEARTBEAT_US;
}

static enum peer_action peer_next_connecting(struct peer *peer, const struct peer_input *input)
{
	return input->now_us >= peer->retry_us ? PEER_HELLO : PEER_NOTHING;
}

static enum peer_action peer_next_hello(struct peer *peer, const struct peer_input *input)
{
	if (peer_is_given_up(peer, input->now_us))
		return PEER_RECONNECT;
	return input->now_us - peer->hello_us > PEER_DEAD_US ? PEER_HELLO : PEER_NOTHING;
}

/*
 * On a link that loses packets either connection may be held up for a while by a retransmission,
 * but hardly both: who talks on its own lives. If it was us who didn't get to run, its words may
 * be under way still: it has until the answer to a heartbeat could be here. Once only, or slow
 * turns would keep a dead one alive.
 */
static bool peer_is_silent(struct peer *peer, const struct peer_input *input)
{
	int64_t now_us = input->now_us;
	int64_t heard_us = peer->heard_us > input->heard_us ? peer->heard_us : input->heard_us;

	if (now_us - peer->looked_us > PEER_ANSWER_US && peer->back_us <= heard_us)
		peer->back_us = now_us;
	peer->looked_us = now_us;
	if (now_us - peer->back_us <= PEER_ANSWER_US)
		return false;
	return now_us - heard_us > PEER_DEAD_US || peer_is_given_up(peer, now_us);
}

static enum peer_action peer_next_talking(struct peer *peer, const struct peer_input *input)
{
	if (peer_is_silent(peer, input)) {
		peer->resume = peer->state;
		peer->state = SYNC_STATE_STALE;
		peer->silences++;
		return PEER_NOTHING;
	}
	if (peer_heartbeat_due(peer, input->now_us))
		return PEER_HEARTBEAT;
	if (peer->dictionary_due)
		return peer_has_credit(peer) ? PEER_DICTIONARY : PEER_NOTHING;
	if (peer->state == SYNC_STATE_BULK && input->swept)
		return PEER_BULK_DONE;
	if (!peer_has_credit(peer))
		return PEER_NOTHING;
	if (peer->state == SYNC_STATE_LIVE && input->digest)
		return input->digest;
	if (input->sample)
		return PEER_SAMPLE;
	return input->pending ? PEER_RECORDS : PEER_NOTHING;
}

static enum peer_action peer_next_stale(struct peer *peer, const struct peer_input *input)
{
	if (peer_is_given_up(peer, input->now_us))
		return PEER_RECONNECT;
	return peer_heartbeat_due(peer, input->now_us) ? PEER_HEARTBEAT : PEER_NOTHING;
}

enum peer_action peer_next(struct peer *peer, const struct peer_input *input)
{
	static enum peer_action (*const next[])(struct peer *, const struct peer_input *) = {
		[SYNC_STATE_CONNECTING] = peer_next_connecting,
		[SYNC_STATE_HELLO] = peer_next_hello,
		[SYNC_STATE_BULK] = peer_next_talking,
		[SYNC_STATE_LIVE] = peer_next_talking,
		[SYNC_STATE_STALE] = peer_next_stale,
	};

	return next[peer->state](peer, input);
}

void peer_fill(const struct peer *peer, enum peer_action action, int64_t now_us,
	       struct wire_message *ret)
{
	bool hello = action == PEER_HELLO;

	ret->type = peer_actions[action].type;
	ret->version = hello ? WIRE_VERSION_MIN : peer->version;
	ret->conversation = peer->conversation + hello;
	ret->sequence = hello ? 0 : peer->sequence;
	ret->version_max = WIRE_VERSION;
	ret->round = peer->round;
	ret->token = (uint64_t)now_us;
	ret->resumes = peer->resumes;
}

bool peer_is_data(enum peer_action action)
{
	return peer_actions[action].credit;
}

static void peer_said_hello(struct peer *peer, int64_t now_us)
{
	if (peer->state == SYNC_STATE_CONNECTING)
		peer->fresh_us = now_us;
	peer->state = SYNC_STATE_HELLO;
	peer->hello_us = now_us;
	peer->conversation++;
	peer->sequence = 0;
	peer->answered = 0;
	peer->credit = peer->used = peer->consumed = peer->round = 0;
}

void peer_done(struct peer *peer, enum peer_action action, bool more, int64_t now_us)
{
	if (action == PEER_RECONNECT) {
		peer->fresh_us = now_us;
		peer_connect(peer, now_us);
		return;
	}
	if (action == PEER_HELLO)
		peer_said_hello(peer, now_us);
	else if (action == PEER_DICTIONARY)
		peer->dictionary_due = more;
	else if (action == PEER_BULK_DONE)
		peer->state = SYNC_STATE_LIVE;
	else if (action == PEER_HEARTBEAT)
		peer->heartbeat_us = now_us;
	peer->sequence++;
	peer->used += peer_actions[action].credit;
}

/* A heartbeat isn't worth a retry; a hello waits for the connection. */
void peer_failed(struct peer *peer, enum peer_action action, int64_t now_us)
{
	if (action == PEER_HEARTBEAT)
		peer->heartbeat_us = now_us;
	else if (action == PEER_HELLO)
		peer_connect(peer, now_us + PEER_RETRY_US);
}

void peer_say_role(struct peer *peer)
{
	peer->heartbeat_us = 0;
}

void peer_tell_dictionary(struct peer *peer)
{
	peer->dictionary_due = true;
}

/* --- answers */

struct peer_answer {
	const struct wire_message *message;
	int64_t now_us;
	bool mark_all;
};

static uint64_t peer_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* It agrees to what our hello said, and is who we meant. */
static bool peer_goes_on(const struct peer *peer, const struct wire_message *welcome)
{
	return peer->resumes && welcome->resumes == peer->resumes && welcome->boot == peer->resumes;
}

static void peer_mark_all(struct peer *peer, struct peer_answer *answer)
{
	answer->mark_all = true;
	peer->resyncs++;
}

static enum refusal peer_take_welcome(struct peer *peer, struct peer_answer *answer)
{
	if (peer->state != SYNC_STATE_HELLO)
		return REFUSAL_UNEXPECTED;
	peer->resumed = peer_goes_on(peer, answer->message);
	if (!peer->resumed)
		peer_mark_all(peer, answer);
	peer->resumes = answer->message->boot;
	peer->state = SYNC_STATE_BULK;
	peer->boot = answer->message->boot;
	peer->version = peer_least(answer->message->version_max, WIRE_VERSION);
	peer->credit = answer->message->credit;
	peer->dictionary_due = true;
	peer->heartbeat_us = 0;
	peer->welcomes++;
	return REFUSAL_NONE;
}

/* Version 1 doesn't say how much was consumed, but grants that much and a window. */
static uint64_t peer_consumed(const struct wire_message *message)
{
	if (message->version > 1 || message->credit < INTAKE_WINDOW)
		return message->consumed;
	return message->credit - INTAKE_WINDOW;
}

static void peer_take_consumed(struct peer *peer, const struct wire_message *message)
{
	uint64_t consumed = peer_least(peer_consumed(message), peer->used);

	if (consumed > peer->consumed)
		peer->consumed = consumed;
}

static enum refusal peer_take_credit(struct peer *peer, struct peer_answer *answer)
{
	peer_take_consumed(peer, answer->message);
	if (answer->message->credit > peer->credit)
		peer->credit = answer->message->credit;
	return REFUSAL_NONE;
}

/* The token is our own clock, come back. */
static enum refusal peer_take_heartbeat(struct peer *peer, struct peer_answer *answer)
{
	uint64_t rtt_us = (uint64_t)answer->now_us - answer->message->token;

	if (rtt_us > UINT32_MAX)
		return REFUSAL_OUT_OF_RANGE;
	peer->rtt_us = (uint32_t)rtt_us;
	peer_take_consumed(peer, answer->message);
	return REFUSAL_NONE;
}

static enum refusal peer_take_resync(struct peer *peer, struct peer_answer *answer)
{
	peer->round = answer->message->round;
	peer->state = SYNC_STATE_BULK;
	peer_mark_all(peer, answer);
	return REFUSAL_NONE;
}

/* One that has started again knows of no conversation; everything else is a loss. */
static bool peer_is_new_there(const struct wire_message *reset)
{
	return strcmp(reset->reason, refusal_name(REFUSAL_NO_CONVERSATION)) == 0;
}

static enum refusal peer_take_reset(struct peer *peer, struct peer_answer *answer)
{
	if (!peer_is_new_there(answer->message))
		peer_forget(peer);
	peer_connect(peer, answer->now_us + PEER_RESET_US);
	return REFUSAL_NONE;
}

/* What it says is the prover's matter. */
static enum refusal peer_take_repair(struct peer *peer, struct peer_answer *answer)
{
	(void)answer;
	return peer->version >= WIRE_VERSION_DIGESTS ? REFUSAL_NONE : REFUSAL_UNEXPECTED;
}

static enum refusal peer_take_bye(struct peer *peer, struct peer_answer *answer)
{
	(void)answer;
	peer->resume = peer->state;
	peer->state = SYNC_STATE_STALE;
	peer->left = true;
	return REFUSAL_NONE;
}

/* Heard from it: a stale conversation goes on where it was. */
static void peer_hear(struct peer *peer, int64_t now_us)
{
	peer->heard_us = now_us;
	peer->left = false;
	if (peer->state == SYNC_STATE_STALE)
		peer->state = peer->resume;
}

static enum refusal peer_check(const struct peer *peer, const struct wire_message *message)
{
	bool outside = message->type == WIRE_WELCOME || message->type == WIRE_RESET;

	if (message->conversation != peer->conversation || peer->state == SYNC_STATE_CONNECTING)
		return REFUSAL_NO_CONVERSATION;
	if (outside)
		return REFUSAL_NONE;
	if (message->boot != peer->boot || peer->state == SYNC_STATE_HELLO)
		return REFUSAL_NO_CONVERSATION;
	return message->sequence < peer->answered ? REFUSAL_OUT_OF_ORDER : REFUSAL_NONE;
}

/* The loop makes the sample; it goes out when it is ready. */
static enum refusal peer_take_sample_ask(struct peer *peer, struct peer_answer *answer)
{
	(void)answer;
	return peer->version >= WIRE_VERSION_DIGESTS ? REFUSAL_NONE : REFUSAL_UNEXPECTED;
}

typedef enum refusal peer_take(struct peer *peer, struct peer_answer *answer);

static peer_take *const peer_takes[WIRE_TYPE_LIMIT] = {
	[WIRE_WELCOME] = peer_take_welcome,	[WIRE_CREDIT] = peer_take_credit,
	[WIRE_HEARTBEAT] = peer_take_heartbeat, [WIRE_RESYNC] = peer_take_resync,
	[WIRE_RESET] = peer_take_reset,		[WIRE_BYE] = peer_take_bye,
	[WIRE_REPAIR] = peer_take_repair,	[WIRE_SAMPLE_ASK] = peer_take_sample_ask,
};

enum refusal peer_receive(struct peer *peer, const struct wire_message *message, int64_t now_us,
			  bool *ret_mark_all)
{
	struct peer_answer answer = { message, now_us, false };
	enum refusal refusal = peer_check(peer, message);

	*ret_mark_all = false;
	if (refusal)
		return refusal;
	if (!peer_takes[message->type])
		return REFUSAL_UNEXPECTED;
	peer_hear(peer, now_us);
	peer->answered = message->sequence + 1;
	refusal = peer_takes[message->type](peer, &answer);
	*ret_mark_all = answer.mark_all;
	return refusal;
}
