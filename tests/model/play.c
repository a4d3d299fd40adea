// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/play.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/compare.h"
#include "tests/model/route.h"

#define PLAY_BROKEN (-2)
#define MINIMISE_TRIES 600

/* In a small table only the table knows which connections are left. */
static void play_learn(struct stage *stage, const struct frame *frame)
{
	const struct tables *tables = dataplane_tables(stage->lab.dataplane);
	struct table_entry entry;
	struct flow_key key;
	struct flow *flow;
	uint32_t idle;

	flows_clear(&stage->reference.flows);
	if (!reference_key(&stage->reference, frame, &key) || !stage_entry(stage, &key, &entry))
		return;
	flow = flows_add(&stage->reference.flows, &key);
	flow->backend = entry.backend;
	flow->confirmed = entry.flags & LBD_CONN_CONFIRMED;
	flow->closing = entry.flags & LBD_CONN_CLOSING;
	flow->udp = entry.flags & LBD_CONN_UDP;
	idle = (tables_now(tables) - entry.tick) & LBD_TICK_MASK;
	if (idle > LBD_TICK_MASK / 2) /* written since the clock was read */
		idle = 0;
	flow->seen = stage->reference.now - idle * (int64_t)tables->tick_ns / 1000000000;
}

static bool play_packet(struct stage *stage, const struct story *story, const struct event *event,
			FILE *report)
{
	static struct expectation expected;
	static struct compare_result result;
	struct frame frame;

	story_frame(story, event, &frame);
	if (*stage->clocks)
		stage_tick(stage, event->jiffies);
	if (stage->crowded)
		play_learn(stage, &frame);
	result.size = sizeof(result.frame);
	result.verdict = dataplane_test_run(stage->lab.dataplane, stage->prog_fd[stage->way],
					    event->beyond ? stage->out : stage->in, frame.bytes,
					    frame.size, result.frame, &result.size);
	reference_packet(&stage->reference, &frame, event->beyond ? stage->out : stage->in,
			 &expected);
	return compare_packet(stage, &frame, &expected, &result, report);
}

/* May the flow have the way back that the peer says it has? It needs one, and one it gets. */
static bool play_peer_way(struct stage *stage, const struct table_entry *told,
			  const struct flow_key *key)
{
	struct reference *reference = &stage->reference;
	const struct backend *backend = &stage->lab.model->backends[told->backend];
	const uint32_t attempt = lbd_value_nat(told->flags);
	struct way way;

	if (!attempt || stage->lab.model->services[backend->service].forward != LBD_FORWARD_NAT)
		return true;
	if (backend->service != told->service)
		return false;
	way = ways_of(reference->world, key, backend, attempt);
	return route_claim_way(reference, &way, key);
}

/* What a peer tells of a flow that was seen here since, counts for nothing: told to neither. */
static bool play_peer(struct stage *stage, const struct table_entry *told, FILE *report)
{
	const struct tables *tables = dataplane_tables(stage->lab.dataplane);
	struct table_entry entry = *told;
	struct flow_key key = {
		.client = told->client,
		.client_port = ntohs(told->client_port),
		.vip_port = ntohs(told->vip_port),
		.service = told->service,
	};
	struct flow *flow = flows_find(&stage->reference.flows, &key);
	enum tables_put put, expected = flow ? TABLES_PUT_UPDATED : TABLES_PUT_ADDED;

	if (flow && stage->reference.now - flow->seen < STORY_IDLE)
		return true;
	entry.tick = tables_now(tables);
	put = tables_put(tables, &entry);
	if (stage->crowded)
		return true;
	if (!play_peer_way(stage, told, &key))
		expected = TABLES_PUT_FULL;
	if (put != expected) {
		fprintf(report, "  a peer's record: expected %d, came %d\n", expected, put);
		return false;
	}
	if (put == TABLES_PUT_FULL)
		return true;
	if (!flow)
		flow = flows_add(&stage->reference.flows, &key);
	flow->backend = told->backend;
	flow->confirmed = told->flags & LBD_CONN_CONFIRMED;
	flow->closing = told->flags & LBD_CONN_CLOSING;
	flow->udp = told->flags & LBD_CONN_UDP;
	flow->attempt = (uint8_t)lbd_value_nat(told->flags);
	flow->seen = stage->reference.now;
	return true;
}

static bool play_event(struct stage *stage, const struct story *story, const struct event *event,
		       FILE *report)
{
	struct error err = { 0 };

	switch (event->kind) {
	case EVENT_PACKET:
		return play_packet(stage, story, event, report);
	case EVENT_IDLE:
		stage_idle(stage, event->seconds);
		return true;
	case EVENT_PEER:
		return play_peer(stage, &event->entry, report);
	case EVENT_CHANGE:
		if (!stage_change(stage, event, &err))
			return true;
	}
	fprintf(report, "  %s\n", err.text);
	return false;
}

int play_story(struct stage *stage, enum stage_way way, const struct story *story, FILE *report)
{
	struct error err = { 0 };

	if (stage_reset(stage, way, &err)) {
		fprintf(report, "  %s\n", err.text);
		return PLAY_BROKEN;
	}
	compare_begin(stage);
	for (uint32_t i = 0; i < story->count; i++)
		if (!story->events[i].skipped &&
		    !play_event(stage, story, &story->events[i], report))
			return (int)i;
	return compare_end(stage, report) ? PLAY_GOOD : (int)story->count - 1;
}

static void play_skip(struct story *story, uint32_t from, uint32_t count, bool skipped)
{
	for (uint32_t i = from; i < from + count; i++)
		story->events[i].skipped = skipped;
}

static bool play_any(const struct story *story, uint32_t from, uint32_t count)
{
	for (uint32_t i = from; i < from + count; i++)
		if (!story->events[i].skipped)
			return true;
	return false;
}

/* Delta debugging, from large pieces to single events. */
void play_minimise(struct stage *stage, enum stage_way way, struct story *story, uint32_t last)
{
	FILE *nowhere = fopen("/dev/null", "we");
	uint32_t tries = 0;

	story->count = last + 1;
	for (uint32_t piece = last; nowhere && piece; piece /= 2)
		for (uint32_t from = 0; from + piece <= last && tries < MINIMISE_TRIES;
		     from += piece) {
			if (!play_any(story, from, piece))
				continue;
			play_skip(story, from, piece, true);
			tries++;
			if (play_story(stage, way, story, nowhere) != (int)last)
				play_skip(story, from, piece, false);
		}
	if (nowhere)
		fclose(nowhere);
}
