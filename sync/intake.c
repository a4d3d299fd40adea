// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/intake.h"

#include <stdio.h>
#include <string.h>

static const uint8_t intake_types[] = {
#define X(constant, type) [INTAKE_##constant] = type,
	INTAKE_ANSWERS(X)
#undef X
};

void intake_init(struct intake *intake)
{
	memset(intake, 0, sizeof(*intake));
	intake->heard_us = -1;
}

void intake_close(struct intake *intake)
{
	intake->open = false;
	intake->owed = 0;
}

void intake_forget(struct intake *intake)
{
	intake->had_all = false;
}

static void intake_owe(struct intake *intake, enum intake_answer answer)
{
	intake->owed |= 1U << answer;
}

static bool intake_same_route(const struct intake_route *a, const struct intake_route *b)
{
	return a->router == b->router && a->size == b->size &&
	       memcmp(a->bytes, b->bytes, a->size) == 0;
}

static uint64_t intake_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A hello may come at any time and from a new connection: the old one is void. */
static enum refusal intake_hello(struct intake *intake, const struct intake_route *route,
				 const struct wire_message *message, int64_t now_us)
{
	const bool goes_on = intake->had_all && message->resumes && message->boot == intake->boot;

	if (message->version_max < WIRE_VERSION_MIN)
		return REFUSAL_WRONG_VERSION;
	if (message->sequence != 0)
		return REFUSAL_OUT_OF_ORDER;
	*intake = (struct intake){
		.open = true,
		.route = *route,
		.version = intake_least(message->version_max, WIRE_VERSION),
		.boot = message->boot,
		.conversation = message->conversation,
		.expected = 1,
		.credit = INTAKE_WINDOW,
		.had_all = goes_on,
		.resumes = goes_on ? message->resumes : 0,
		.heard_us = now_us,
	};
	intake_owe(intake, INTAKE_WELCOME);
	return REFUSAL_NONE;
}

static enum refusal intake_check(const struct intake *intake, const struct intake_route *route,
				 const struct wire_message *message)
{
	if (!intake->open || message->boot != intake->boot ||
	    message->conversation != intake->conversation ||
	    !intake_same_route(&intake->route, route))
		return REFUSAL_NO_CONVERSATION;
	return message->sequence == intake->expected ? REFUSAL_NONE : REFUSAL_OUT_OF_ORDER;
}

static enum refusal intake_take_data(struct intake *intake, const struct wire_message *message)
{
	(void)message;
	if (intake->consumed == intake->credit)
		return REFUSAL_OVER_CREDIT;
	intake->consumed++;
	intake_owe(intake, INTAKE_CREDIT);
	return REFUSAL_NONE;
}

/* The end of a bulk that began before we asked for another says nothing. */
static enum refusal intake_take_bulk_done(struct intake *intake, const struct wire_message *message)
{
	if (message->round == intake->round)
		intake->received_all = intake->had_all = true;
	return REFUSAL_NONE;
}

static enum refusal intake_take_heartbeat(struct intake *intake, const struct wire_message *message)
{
	intake->token = message->token;
	intake_owe(intake, INTAKE_HEARTBEAT);
	return REFUSAL_NONE;
}

static enum refusal intake_take_bye(struct intake *intake, const struct wire_message *message)
{
	(void)message;
	intake_close(intake);
	return REFUSAL_NONE;
}

/* The types from the first unknown one on may be a newer peer's: counted and passed over. */
static enum refusal intake_take_unknown(struct intake *intake, const struct wire_message *message)
{
	(void)intake;
	return message->type > WIRE_BYE ? REFUSAL_UNKNOWN_MESSAGE : REFUSAL_UNEXPECTED;
}

typedef enum refusal intake_take(struct intake *intake, const struct wire_message *message);

static intake_take *const intake_takes[WIRE_TYPE_LIMIT] = {
	[WIRE_DICTIONARY] = intake_take_data,	  [WIRE_RECORDS] = intake_take_data,
	[WIRE_DIGEST_BEGIN] = intake_take_data,	  [WIRE_DIGEST] = intake_take_data,
	[WIRE_SAMPLE] = intake_take_data,	  [WIRE_BULK_DONE] = intake_take_bulk_done,
	[WIRE_HEARTBEAT] = intake_take_heartbeat, [WIRE_BYE] = intake_take_bye,
};

static enum refusal intake_take_message(struct intake *intake, const struct intake_route *route,
					const struct wire_message *message)
{
	intake_take *take = intake_takes[message->type];
	enum refusal refusal = intake_check(intake, route, message);

	if (refusal)
		return refusal;
	return take ? take(intake, message) : intake_take_unknown(intake, message);
}

enum refusal intake_receive(struct intake *intake, const struct intake_route *route,
			    const struct wire_message *message, int64_t now_us)
{
	enum refusal refusal;

	if (message->type == WIRE_HELLO)
		return intake_hello(intake, route, message, now_us);
	refusal = intake_take_message(intake, route, message);
	if (refusal == REFUSAL_NONE || refusal == REFUSAL_UNKNOWN_MESSAGE) {
		intake->expected++;
		intake->heard_us = now_us;
	} else if (refusal != REFUSAL_NO_CONVERSATION) {
		intake_close(intake);
		intake_forget(intake);
	}
	return refusal;
}

void intake_ask_resync(struct intake *intake)
{
	intake_forget(intake);
	if (!intake->open)
		return;
	intake->round++;
	intake->received_all = false;
	intake_owe(intake, INTAKE_RESYNC);
}

void intake_ask_sample(struct intake *intake, uint32_t count)
{
	if (!intake->open || intake->version < WIRE_VERSION_DIGESTS)
		return;
	intake->sample = count;
	intake_owe(intake, INTAKE_SAMPLE_ASK);
}

void intake_answer_digest(struct intake *intake)
{
	if (intake->open)
		intake_owe(intake, INTAKE_REPAIR);
}

enum intake_answer intake_next(const struct intake *intake)
{
	return intake->owed ? (enum intake_answer)__builtin_ctz(intake->owed) : INTAKE_NOTHING;
}

void intake_fill(const struct intake *intake, enum intake_answer answer, struct wire_message *ret)
{
	ret->type = intake_types[answer];
	ret->version = intake->version;
	ret->conversation = intake->conversation;
	ret->sequence = intake->sequence;
	ret->version_max = WIRE_VERSION;
	ret->credit = answer == INTAKE_CREDIT ? intake->consumed + INTAKE_WINDOW : intake->credit;
	ret->round = intake->round;
	ret->token = intake->token;
	ret->sample = intake->sample;
	ret->consumed = intake->consumed;
	ret->resumes = intake->resumes;
}

void intake_done(struct intake *intake, enum intake_answer answer)
{
	intake->owed &= ~(1U << answer);
	intake->sequence++;
	if (answer == INTAKE_CREDIT)
		intake->credit = intake->consumed + INTAKE_WINDOW;
}

void intake_reset(const struct wire_message *message, const char *reason, struct wire_message *ret)
{
	ret->type = WIRE_RESET;
	ret->version = message->version;
	ret->conversation = message->conversation;
	ret->sequence = 0;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}
