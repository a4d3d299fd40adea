// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/loop_digest.h"

#include <time.h>

#include "base/log.h"
#include "base/monotonic.h"

/* Of a turn, and not more often: the lag of what is sent live may suffer by this. */
#define LOOP_DIGEST_US 100
#define LOOP_DIGEST_EVERY_US 900

/* Buckets, or rows of a comparison, between two looks at the clock. */
#define LOOP_DIGEST_AMOUNT 128

void loop_digest_learn(struct loop *loop)
{
	digest_learn(loop->identities, loop->dictionary);
	for (uint32_t i = 0; i < loop->links_count; i++) {
		prover_abandon(&loop->links[i]->prover);
		if (loop->links[i]->judge)
			judge_spoil(loop->links[i]->judge);
	}
}

/* --- sending */

/* What a standby knows it has from the active node, which proves it to all itself. */
static bool loop_digest_may(const struct loop *loop, const struct link *link)
{
	if (link->peer.version < WIRE_VERSION_DIGESTS || link->peer.state != SYNC_STATE_LIVE)
		return false;
	return loop->role != SYNC_ROLE_STANDBY || link->role != SYNC_ROLE_ACTIVE;
}

enum peer_action loop_digest_next(struct loop *loop, const struct link *link)
{
	if (!loop_digest_may(loop, link))
		return PEER_NOTHING;
	if (link->prover.state == PROVER_SEND)
		return PEER_DIGEST;
	return prover_is_due(&link->prover, loop->now_us, loop->links_count) ? PEER_DIGEST_BEGIN
									     : PEER_NOTHING;
}

int loop_do_digest_begin(struct loop *loop, struct link *link, enum peer_action action)
{
	struct wire_message message = { .pass = link->prover.number + 1 };
	int err = loop_send_action(loop, link, action, &message);

	if (!err)
		prover_begin(&link->prover, loop->tables, loop->boot, loop->now_us);
	return err;
}

int loop_do_digest(struct loop *loop, struct link *link, enum peer_action action)
{
	struct wire_message message = { 0 };
	int err;

	prover_fill(&link->prover, loop->digest_rows, &message);
	err = loop_send_action(loop, link, action, &message);
	if (!err)
		prover_sent(&link->prover, loop->now_us);
	return err;
}

void loop_fill_repair(struct loop *loop, struct link *link, struct wire_message *message)
{
	judge_fill(link->judge, &link->holds, loop->digest_rows, message);
}

/* --- the tables change */

static void loop_digest_told_rows(struct loop *loop, struct link *link,
				  const struct wire_rows *rows,
				  void (*get)(const uint8_t *row, struct wire_record *ret))
{
	struct wire_record record;

	for (uint32_t i = 0; i < rows->count; i++) {
		struct table_entry entry;

		get(wire_row(rows, i), &record);
		entry = (struct table_entry){
			.client = record.client,
			.client_port = record.client_port,
			.vip_port = record.vip_port,
			.service = record.service,
			.backend = record.backend,
			.flags = lbd_value_with_nat(0, record.flags >> WIRE_CONN_NAT_SHIFT &
							       WIRE_CONN_NAT_MASK),
		};
		judge_told(link->judge, loop->identities, &entry, loop->now_us);
	}
}

void loop_digest_told(struct loop *loop, struct link *link, const struct wire_message *message)
{
	if (!link->judge)
		return;
	loop_digest_told_rows(loop, link, &message->records4, wire_get_record4);
	loop_digest_told_rows(loop, link, &message->records6, wire_get_record6);
}

/* It was marked: a pass may have read it while it was something else. */
static void loop_digest_unchanged(void *context, const struct table_entry *entry)
{
	struct loop *loop = context;

	judge_told(loop->taking->judge, loop->identities, entry, loop->now_us);
}

void loop_digest_listen(struct loop *loop, struct link *link)
{
	loop->taking = link;
	link->outbox.context = loop;
	link->outbox.unchanged = link->judge ? loop_digest_unchanged : NULL;
}

/*
 * What the peer told before it began a pass was in its table before it read it,
 * and in ours before we do: only what others told can have reached us first.
 */
static bool loop_digest_listens(const struct loop *loop, const struct link *link)
{
	return link->judge && (link->judge->state != JUDGE_IDLE || loop->links_count > 1);
}

static void loop_digest_changed(void *context, const struct table_entry *before,
				const struct table_entry *entry, uint32_t now)
{
	struct judge_change change = { before, entry, now };
	struct loop *loop = context;

	for (uint32_t i = 0; i < loop->links_count; i++)
		if (loop_digest_listens(loop, loop->links[i]))
			judge_changed(loop->links[i]->judge, loop->tables, loop->identities,
				      &change, loop->now_us);
}

struct apply_watch loop_digest_watch(struct loop *loop)
{
	for (uint32_t i = 0; i < loop->links_count; i++)
		if (loop_digest_listens(loop, loop->links[i]))
			return (struct apply_watch){ loop_digest_changed, loop };
	return (struct apply_watch){ NULL, NULL };
}

/* --- receiving */

void loop_take_digest_hello(struct link *link)
{
	judge_free(link->judge);
	link->judge = NULL;
	proof_reset(&link->holds);
}

/* Without memory for a judge the digest stays unanswered, and the next one is another chance. */
void loop_take_digest_begin(struct loop *loop, struct link *link,
			    const struct wire_message *message)
{
	enum refusal refusal = REFUSAL_BAD_DIGEST;

	if (!link->judge)
		link->judge = judge_new();
	if (link->judge && link->intake.version >= WIRE_VERSION_DIGESTS)
		refusal = judge_begin(link->judge, loop->tables, message, loop->now_us);
	refusal_count(&loop->refusals, refusal, 1);
}

void loop_take_digest(struct loop *loop, struct link *link, const struct wire_message *message)
{
	enum refusal refusal = REFUSAL_BAD_DIGEST;

	if (link->judge)
		refusal = judge_take(link->judge, loop->tables, link->directory, message);
	refusal_count(&loop->refusals, refusal, 1);
}

static void loop_log_divergences(const struct loop *loop, const struct link *link,
				 struct proof *proof, const char *what)
{
	uint64_t news = proof_news(proof, loop->now_us);

	if (news)
		log_warning("sync: %s: %s differs in %llu more regions of %u, to be repaired",
			    link->config.name, what, (unsigned long long)news, WIRE_REGIONS);
}

enum refusal loop_take_repair(struct loop *loop, struct link *link,
			      const struct wire_message *message)
{
	struct proof *held = &link->prover.proof;
	enum refusal refusal = prover_take(&link->prover, message, loop->now_us);

	loop_log_divergences(loop, link, held, "what it holds of our table");
	return refusal;
}

/* --- a turn */

static void loop_conclude(struct loop *loop, struct link *link)
{
	if (!judge_conclude(link->judge, &link->holds, loop->now_us))
		return;
	loop_log_divergences(loop, link, &link->holds, "what we hold of its table");
	intake_answer_digest(&link->intake);
}

static void loop_digest_turn(struct loop *loop, struct link *link)
{
	struct prover *prover = &link->prover;

	if (prover->conversation != link->peer.conversation)
		prover_reset(prover, link->peer.conversation);
	prover_turn(prover, &link->outbox, loop->now_us);
	if (!link->judge)
		return;
	judge_turn(link->judge, &link->outbox, link_wants_marks(link));
	loop_conclude(loop, link);
}

static bool loop_digest_is_busy(const struct link *link)
{
	return link->prover.state == PROVER_PASS || (link->judge && judge_is_busy(link->judge));
}

static void loop_digest_step(struct loop *loop, struct link *link)
{
	if (link->prover.state == PROVER_PASS)
		prover_slice(&link->prover, loop->tables, loop->identities, &link->outbox,
			     LOOP_DIGEST_AMOUNT);
	else
		judge_slice(link->judge, loop->tables, loop->identities, &link->outbox,
			    LOOP_DIGEST_AMOUNT, loop->now_us);
}

/* The peer's judging costs it as much as our pass costs us: what it may cost is ours to say. */
static void loop_digest_work(struct loop *loop, struct link *link)
{
	int64_t end_us = monotonic_us() + LOOP_DIGEST_US, before_us = loop_cpu_us();
	bool proves = link->prover.state == PROVER_PASS;

	while (loop_digest_is_busy(link) && monotonic_us() < end_us)
		loop_digest_step(loop, link);
	if (proves)
		link->prover.cost_us += loop_cpu_us() - before_us;
}

/* One link gets this turn's time; the next one's turn comes next. */
static struct link *loop_digest_pick(struct loop *loop)
{
	for (uint32_t i = 0; i < loop->links_count; i++) {
		uint32_t at = (loop->digest_next + i) % loop->links_count;

		if (!loop_digest_is_busy(loop->links[at]))
			continue;
		loop->digest_next = at + 1;
		return loop->links[at];
	}
	return NULL;
}

void loop_digest(struct loop *loop)
{
	struct link *link;

	for (uint32_t i = 0; i < loop->links_count; i++)
		loop_digest_turn(loop, loop->links[i]);
	if (loop->now_us - loop->digest_us < LOOP_DIGEST_EVERY_US)
		return;
	link = loop_digest_pick(loop);
	if (!link)
		return;
	loop->digest_us = loop->now_us;
	loop_digest_work(loop, link);
}
