// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/judge.h"

#include <stdlib.h>
#include <string.h>

#include "lbd/maps.h"

struct judge *judge_new(void)
{
	return calloc(1, sizeof(struct judge));
}

void judge_free(struct judge *judge)
{
	free(judge);
}

/* --- messages */

enum refusal judge_begin(struct judge *judge, const struct tables *tables,
			 const struct wire_message *message, int64_t now_us)
{
	if (message->pass <= judge->number)
		return REFUSAL_BAD_DIGEST;
	judge->state = JUDGE_OPEN;
	judge->key = message->boot;
	judge->number = message->pass;
	judge->spoiled = false;
	judge->began_us = now_us;
	judge->began = tables_now(tables);
	judge->sums_next = 0;
	return REFUSAL_NONE;
}

/* Parts come in order and without a gap: a sender has no reason for anything else. */
static bool judge_fits(const struct judge *judge, const struct wire_message *message)
{
	uint64_t end = message->first_region + message->sums.count;

	return judge->state == JUDGE_OPEN && message->pass == judge->number &&
	       message->first_region == judge->sums_next && message->sums.count > 0 &&
	       end <= WIRE_REGIONS && (end < WIRE_REGIONS) == (message->more != 0);
}

static void judge_learn_peer(struct judge *judge, const struct directory *peer)
{
	memset(judge->known, 0, sizeof(judge->known));
	for (uint32_t id = 0; id < peer->backends_end; id++)
		judge->known[peer->backends[id].local] = true;
	judge->known[0] = false;
}

static void judge_begin_pass(struct judge *judge, const struct tables *tables,
			     const struct directory *peer)
{
	judge->state = JUDGE_PASS;
	judge_learn_peer(judge, peer);
	digest_pass_begin(&judge->pass, tables, judge->key);
}

enum refusal judge_take(struct judge *judge, const struct tables *tables,
			const struct directory *peer, const struct wire_message *message)
{
	if (!judge_fits(judge, message))
		return REFUSAL_BAD_DIGEST;
	for (uint32_t i = 0; i < message->sums.count; i++)
		judge->theirs[judge->sums_next++] = wire_get_sum(wire_row(&message->sums, i));
	if (judge->sums_next == WIRE_REGIONS)
		judge_begin_pass(judge, tables, peer);
	return REFUSAL_NONE;
}

void judge_spoil(struct judge *judge)
{
	judge->spoiled = true;
}

/* --- our own pass */

struct judge_seeing {
	struct judge *judge;
	struct outbox *outbox;
	int64_t now_us;
	uint32_t margin; /* ticks */
};

/*
 * May the peer see the entry on the other side of the age limit? Its sums are
 * as old as its pass. Where the timeout is about as short as refreshes are
 * coarse, ours may be older than its by a whole refresh.
 */
static bool judge_is_near(const struct judge_seeing *seeing, const struct digest_seen *seen)
{
	uint32_t coarse = seen->limit < 2U << LBD_REFRESH_BITS ? 1U << LBD_REFRESH_BITS : 0;

	return seen->idle + seeing->margin >= seen->limit &&
	       seen->idle <= seen->limit + seeing->margin + coarse;
}

static void judge_see(void *context, const struct digest_seen *seen)
{
	const struct judge_seeing *seeing = context;
	struct judge *judge = seeing->judge;

	if (judge_is_near(seeing, seen))
		unsettled_add(&judge->unsettled, seen->region, seen->hash, seeing->now_us);
	if (digest_set_has(&judge->repair, seen->region))
		outbox_mark_whole(seeing->outbox, seen->bucket);
}

static void judge_read(struct judge *judge, const struct tables *tables,
		       const struct digest_identities *identities, struct outbox *outbox,
		       uint32_t buckets, int64_t now_us)
{
	uint32_t elapsed = (judge->pass.now - judge->began) & LBD_TICK_MASK;
	struct judge_seeing seeing = { judge, outbox, now_us, JUDGE_MARGIN_TICKS + elapsed };
	struct digest_view view = { tables, identities, judge->known, judge_see, &seeing };

	if (digest_pass_slice(&judge->pass, &view, buckets))
		judge->state = JUDGE_READ;
}

/* --- the comparison */

static void judge_begin_comparison(struct judge *judge)
{
	int64_t since_us = judge->began_us - JUDGE_BEFORE_US;

	judge->state = JUDGE_JUDGE;
	judge->spoiled |= !unsettled_reaches(&judge->unsettled, since_us);
	judge->rows_next = unsettled_since(&judge->unsettled, since_us);
	judge->rows_end = judge->unsettled.count;
	for (uint32_t region = 0; region < WIRE_REGIONS; region++) {
		judge->theirs[region] ^= judge->pass.sums[region];
		judge->spans[region].rank = 0;
	}
}

static void judge_compare(struct judge *judge, uint32_t rows)
{
	for (; rows > 0 && judge->rows_next < judge->rows_end; rows--, judge->rows_next++) {
		const struct unsettled_row *row =
			unsettled_row(&judge->unsettled, judge->rows_next);

		/* Written over before it was looked at. */
		if (!unsettled_has(&judge->unsettled, judge->rows_next)) {
			judge->spoiled = true;
			judge->rows_next = judge->rows_end;
			return;
		}
		if (judge->theirs[row->region])
			digest_span_add(&judge->spans[row->region], row->hash);
	}
}

bool judge_is_busy(const struct judge *judge)
{
	return judge->state == JUDGE_PASS ||
	       (judge->state == JUDGE_JUDGE && judge->rows_next < judge->rows_end);
}

void judge_slice(struct judge *judge, const struct tables *tables,
		 const struct digest_identities *identities, struct outbox *outbox, uint32_t amount,
		 int64_t now_us)
{
	if (judge->state == JUDGE_PASS)
		judge_read(judge, tables, identities, outbox, amount, now_us);
	else if (judge->state == JUDGE_JUDGE)
		judge_compare(judge, amount);
}

void judge_turn(struct judge *judge, struct outbox *outbox, bool telling)
{
	if (judge->state == JUDGE_READ) {
		judge->round = outbox_begin_round(outbox);
		memset(&judge->repair, 0, sizeof(judge->repair));
		judge->state = JUDGE_TELL;
	}
	if (judge->state == JUDGE_TELL && (!telling || outbox_is_past(outbox, judge->round)))
		judge_begin_comparison(judge);
}

/* --- the verdict */

struct judge_counts {
	uint32_t agreed, unsettled, diverged, repaired;
};

static void judge_agrees(struct judge_region *region, struct judge_counts *counts)
{
	counts->agreed++;
	counts->repaired += region->diverged;
	region->differed = region->diverged = false;
}

/* Asked for again and again, but ever more rarely: a full table can't be repaired. */
static bool judge_asks(struct judge_region *region, int64_t now_us)
{
	if (now_us < region->ask_us)
		return false;
	if (now_us - region->ask_us > JUDGE_WAIT_MAX_MS * 1000LL)
		region->wait_ms = 0;
	region->wait_ms = region->wait_ms ? 2 * region->wait_ms : JUDGE_WAIT_MIN_MS;
	if (region->wait_ms > JUDGE_WAIT_MAX_MS)
		region->wait_ms = JUDGE_WAIT_MAX_MS;
	region->ask_us = now_us + region->wait_ms * 1000LL;
	return true;
}

static void judge_differs(struct judge *judge, uint32_t number, struct judge_counts *counts,
			  int64_t now_us)
{
	struct judge_region *region = &judge->regions[number];

	if (region->differed && !region->diverged) {
		region->diverged = true;
		counts->diverged++;
	}
	region->differed = true;
	if (!region->diverged || !judge_asks(region, now_us))
		return;
	digest_set_add(&judge->asked, number);
	digest_set_add(&judge->repair, number);
}

static void judge_verdict(struct judge *judge, uint32_t number, struct judge_counts *counts,
			  int64_t now_us)
{
	const struct digest_span *span = &judge->spans[number];
	uint64_t difference = judge->theirs[number];

	if (judge->spoiled || (difference && digest_span_is_full(span))) {
		judge->regions[number].differed = false;
		counts->unsettled++;
	} else if (!difference || digest_span_has(span, difference)) {
		judge_agrees(&judge->regions[number], counts);
	} else {
		judge_differs(judge, number, counts, now_us);
	}
}

bool judge_conclude(struct judge *judge, struct proof *proof, int64_t now_us)
{
	struct judge_counts counts = { 0 };

	if (judge->state != JUDGE_JUDGE || judge->rows_next < judge->rows_end)
		return false;
	memset(&judge->asked, 0, sizeof(judge->asked));
	for (uint32_t region = 0; region < WIRE_REGIONS; region++)
		judge_verdict(judge, region, &counts, now_us);
	proof_pass(proof, counts.agreed, counts.unsettled, now_us);
	proof_diverged(proof, counts.diverged, now_us);
	proof_repaired(proof, counts.repaired, now_us);
	judge->concluded = judge->number;
	judge->state = JUDGE_IDLE;
	return true;
}

void judge_fill(const struct judge *judge, const struct proof *proof, uint8_t *rows,
		struct wire_message *ret)
{
	uint32_t count = 0;

	for (uint32_t region = 0; region < WIRE_REGIONS; region++)
		if (digest_set_has(&judge->asked, region))
			wire_put_region(rows + count++ * WIRE_REGION_SIZE, region);
	ret->pass = judge->concluded;
	ret->agreed = proof->agreed;
	ret->unsettled = proof->unsettled;
	ret->regions = (struct wire_rows){ rows, WIRE_REGION_SIZE, count };
}

/* --- what happens to the table meanwhile */

static void judge_unsettle(struct judge *judge, const struct digest_identities *identities,
			   const struct table_entry *entry, int64_t now_us)
{
	uint64_t identity = digest_identity(identities, entry);

	if (identity)
		unsettled_add(&judge->unsettled, digest_region(identity),
			      digest_hash(identities, entry, identity, judge->key), now_us);
}

/* It is told because it has changed, so what it is now may be news to the peer's sums. */
void judge_told(struct judge *judge, const struct digest_identities *identities,
		const struct table_entry *entry, int64_t now_us)
{
	judge_unsettle(judge, identities, entry, now_us);
}

static bool judge_counts_entry(const struct tables *tables, const struct table_entry *entry,
			       uint32_t now)
{
	uint64_t value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);

	return digest_is_established(entry->flags) &&
	       lbd_value_idle(value, now) < digest_limit(tables, entry->service, entry->flags);
}

void judge_changed(struct judge *judge, const struct tables *tables,
		   const struct digest_identities *identities, const struct judge_change *change,
		   int64_t now_us)
{
	const struct table_entry *before = change->before, *entry = change->entry;
	bool counted = before && judge_counts_entry(tables, before, change->now);
	bool counts = judge_counts_entry(tables, entry, change->now);

	if (counted && counts && before->backend == entry->backend &&
	    lbd_value_nat(before->flags) == lbd_value_nat(entry->flags))
		return;
	if (counted)
		judge_unsettle(judge, identities, before, now_us);
	if (counts)
		judge_unsettle(judge, identities, entry, now_us);
}
