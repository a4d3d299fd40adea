// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/prover.h"

#include <string.h>

#include "lbd/maps.h"

/* The peer's copy may be older than our entry by as much as its refresh is coarse. */
#define PROVER_EARLY_TICKS ((1U << LBD_REFRESH_BITS) + 4)

void prover_init(struct prover *prover)
{
	memset(prover, 0, sizeof(*prover));
	proof_init(&prover->proof);
}

void prover_abandon(struct prover *prover)
{
	prover->state = PROVER_RESTING;
}

void prover_reset(struct prover *prover, uint64_t conversation)
{
	prover_abandon(prover);
	prover->conversation = conversation;
	prover->number = 0;
	prover->differed = 0;
	memset(&prover->repair, 0, sizeof(prover->repair));
	memset(&prover->repaired, 0, sizeof(prover->repaired));
	memset(&prover->diverged, 0, sizeof(prover->diverged));
	proof_reset(&prover->proof);
}

bool prover_is_due(const struct prover *prover, int64_t now_us, uint32_t shares)
{
	bool hurry = prover->differed > 0 && prover->differed <= PROVER_HURRIES;
	int64_t period_us = hurry ? PROVER_HURRY_US : PROVER_PERIOD_US;
	int64_t cost_us = prover->cost_us * PROVER_COST_FACTOR * shares;

	if (prover->state != PROVER_RESTING)
		return false;
	return prover->started_us == 0 ||
	       now_us - prover->started_us >= (cost_us > period_us ? cost_us : period_us);
}

void prover_begin(struct prover *prover, const struct tables *tables, uint64_t boot, int64_t now_us)
{
	prover->state = PROVER_PASS;
	prover->number++;
	prover->started_us = now_us;
	prover->cost_us = 0;
	prover->sums_next = 0;
	digest_pass_begin(&prover->pass, tables, boot);
}

/* --- the pass */

struct prover_marking {
	const struct prover *prover;
	struct outbox *outbox;
};

/*
 * Has the entry come near the age limit since the last pass? Then it is told
 * once more: both nodes shall know its age alike when it passes the limit.
 */
static bool prover_comes_near(const struct prover *prover, const struct digest_seen *seen)
{
	uint32_t near = seen->limit > 2 * PROVER_EARLY_TICKS ? seen->limit - PROVER_EARLY_TICKS
							     : seen->limit / 2;
	uint32_t since = (prover->pass.now - prover->before) & LBD_TICK_MASK;

	if (seen->idle < near || seen->idle >= seen->limit)
		return false;
	return !prover->has_before || seen->idle - near < since;
}

static bool prover_agrees(const struct prover *prover)
{
	return prover->proof.agreed == WIRE_REGIONS;
}

/*
 * What is known of the entry at the peer. A REPAIR doesn't say which regions agree, only how many:
 * all of them is what ends a doubt. The verdict over the last repair comes before the next doubt.
 */
static void prover_weigh(const struct prover *prover, struct held *held,
			 const struct digest_seen *seen)
{
	const uint32_t place = seen->bucket * LBD_BUCKET_SLOTS + seen->slot;

	if (held->doubts && prover_agrees(prover))
		held_trust(held, place, seen->entry);
	else if (held->doubts && digest_set_has(&prover->repaired, seen->region))
		held_deny(held, place, seen->entry);
	if (digest_set_has(&prover->repair, seen->region))
		held_doubt(held, place, seen->entry);
}

static void prover_see(void *context, const struct digest_seen *seen)
{
	const struct prover_marking *marking = context;
	const struct prover *prover = marking->prover;

	if (marking->outbox->held)
		prover_weigh(prover, marking->outbox->held, seen);
	if (digest_set_has(&prover->repair, seen->region))
		outbox_mark_whole(marking->outbox, seen->bucket);
	else if (prover_comes_near(prover, seen))
		outbox_mark(marking->outbox, seen->bucket / 64, 1ULL << seen->bucket % 64);
}

static void prover_end_pass(struct prover *prover, struct held *held)
{
	if (held && prover_agrees(prover))
		held->doubts = false;
	prover->state = PROVER_READ;
	prover->before = prover->pass.now;
	prover->has_before = true;
}

void prover_slice(struct prover *prover, const struct tables *tables,
		  const struct digest_identities *identities, struct outbox *outbox,
		  uint32_t buckets)
{
	struct prover_marking marking = { prover, outbox };
	struct digest_view view = { tables, identities, NULL, prover_see, &marking };

	if (prover->state == PROVER_PASS && digest_pass_slice(&prover->pass, &view, buckets))
		prover_end_pass(prover, outbox->held);
}

void prover_turn(struct prover *prover, struct outbox *outbox, int64_t now_us)
{
	if (prover->state == PROVER_READ) {
		prover->round = outbox_begin_round(outbox);
		prover->repaired = prover->repair;
		memset(&prover->repair, 0, sizeof(prover->repair));
		prover->state = PROVER_TELL;
	}
	if (prover->state == PROVER_TELL && outbox_is_past(outbox, prover->round))
		prover->state = PROVER_SEND;
	if (prover->state == PROVER_WAIT && now_us - prover->waiting_us > PROVER_PATIENCE_US)
		prover->state = PROVER_RESTING;
}

/* --- messages */

void prover_fill(const struct prover *prover, uint8_t *rows, struct wire_message *ret)
{
	uint32_t left = WIRE_REGIONS - prover->sums_next;
	uint32_t count = left < WIRE_SUMS_MAX ? left : WIRE_SUMS_MAX;

	for (uint32_t i = 0; i < count; i++)
		wire_put_sum(rows + i * WIRE_SUM_SIZE, prover->pass.sums[prover->sums_next + i]);
	ret->pass = prover->number;
	ret->first_region = prover->sums_next;
	ret->more = left > count;
	ret->sums = (struct wire_rows){ rows, WIRE_SUM_SIZE, count };
}

void prover_sent(struct prover *prover, int64_t now_us)
{
	prover->sums_next += WIRE_SUMS_MAX;
	if (prover->sums_next < WIRE_REGIONS)
		return;
	prover->state = PROVER_WAIT;
	prover->waiting_us = now_us;
}

/* All rows are looked at before the first is believed. */
static enum refusal prover_check(const struct prover *prover, const struct wire_message *message)
{
	if (message->pass > prover->number)
		return REFUSAL_BAD_DIGEST;
	if (message->agreed + message->unsettled + message->regions.count > WIRE_REGIONS)
		return REFUSAL_BAD_DIGEST;
	for (uint32_t i = 0; i < message->regions.count; i++)
		if (wire_get_region(wire_row(&message->regions, i)) >= WIRE_REGIONS)
			return REFUSAL_BAD_DIGEST;
	return REFUSAL_NONE;
}

static void prover_take_regions(struct prover *prover, const struct wire_rows *rows, int64_t now_us)
{
	uint32_t fresh = 0;

	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t region = wire_get_region(wire_row(rows, i));

		fresh += !digest_set_has(&prover->diverged, region);
		digest_set_add(&prover->diverged, region);
		digest_set_add(&prover->repair, region);
	}
	proof_diverged(&prover->proof, fresh, now_us);
}

enum refusal prover_take(struct prover *prover, const struct wire_message *message, int64_t now_us)
{
	enum refusal refusal = prover_check(prover, message);

	/* An answer to a pass that was given up meanwhile says nothing. */
	if (refusal || message->pass != prover->number || prover->state != PROVER_WAIT)
		return refusal;
	prover->state = PROVER_RESTING;
	proof_pass(&prover->proof, (uint32_t)message->agreed, (uint32_t)message->unsettled, now_us);
	prover->differed = prover->proof.differing > 0 ? prover->differed + 1 : 0;
	prover_take_regions(prover, &message->regions, now_us);
	if (prover_agrees(prover)) {
		proof_repaired(&prover->proof, digest_set_count(&prover->diverged), now_us);
		memset(&prover->diverged, 0, sizeof(prover->diverged));
	}
	return REFUSAL_NONE;
}
