// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/compare.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "tests/model/wrap.h"
#include "tests/packet/hexdiff.h"

#define COMPARE_RATE 1000 /* answers a second; a setup of more never runs out of them */

const char *const compare_outcome_names[LBD_OUTCOME_COUNT] = {
#define X(constant, name, kind, sentence) [LBD_OUTCOME_##constant] = name,
	LBD_OUTCOMES(X)
#undef X
};

static void compare_clear_news(const struct tables *tables)
{
	memset(tables->dirty4, 0, tables->conn4_buckets / 8);
	memset(tables->dirty6, 0, tables->conn6_buckets / 8);
}

void compare_begin(struct stage *stage)
{
	dataplane_outcomes(stage->lab.dataplane, stage->outcomes);
	compare_clear_news(dataplane_tables(stage->lab.dataplane));
}

/* --- verdict and outcome */

static bool compare_verdict(const struct expectation *expected, const struct compare_result *result,
			    FILE *report)
{
	if (result->verdict == expected->verdict)
		return true;
	if (result->verdict < 0)
		fprintf(report, "  test-run: %s\n", strerror(-result->verdict));
	else
		fprintf(report, "  verdict: expected %s, came %s\n",
			case_verdict_name(expected->verdict), case_verdict_name(result->verdict));
	return false;
}

/* Where few answers a second are given, which packets get none is not foreseen. */
static void compare_expect_no_answer(const struct stage *stage, const uint64_t *now,
				     const struct frame *frame, struct expectation *expected)
{
	if (stage->lab.model->answer_rate > COMPARE_RATE || expected->verdict != XDP_TX ||
	    expected->backend ||
	    now[LBD_OUTCOME_DROP_ANSWER_LIMIT] == stage->outcomes[LBD_OUTCOME_DROP_ANSWER_LIMIT])
		return;
	expected->verdict = XDP_DROP;
	expected->outcome = LBD_OUTCOME_DROP_ANSWER_LIMIT;
	wrap_nothing(frame, &expected->frame);
}

/* In a small table there may be no slot for a new flow. */
static bool compare_excused(const struct stage *stage, const struct expectation *expected,
			    int outcome)
{
	return stage->crowded && expected->entered &&
	       expected->outcome == LBD_OUTCOME_FORWARD_NEW &&
	       outcome == LBD_OUTCOME_FORWARD_UNTRACKED;
}

static bool compare_outcome(struct stage *stage, const struct expectation *expected,
			    const uint64_t *now, FILE *report)
{
	bool good = false;

	for (int i = 0; i < LBD_OUTCOME_COUNT; i++) {
		uint64_t moved = now[i] - stage->outcomes[i];

		if (moved == 1 && (i == expected->outcome || compare_excused(stage, expected, i))) {
			good = true;
			stage->seen[i]++;
		} else if (moved) {
			fprintf(report, "  outcome: expected %s, came %s\n",
				compare_outcome_names[expected->outcome], compare_outcome_names[i]);
		}
	}
	memcpy(stage->outcomes, now, sizeof(stage->outcomes));
	return good;
}

/* --- the frame */

static bool compare_frame(struct stage *stage, const struct expectation *expected,
			  const struct compare_result *result, FILE *report)
{
	const char *wrong = NULL;

	if (!hexdiff_equal(&expected->frame, result->frame, result->size)) {
		hexdiff_print(report, &expected->frame, result->frame, result->size);
		return false;
	}
	if (!expected->tunnelled ||
	    choice_check(stage->choices, &stage->world, expected, result->frame, &wrong))
		return true;
	fprintf(report, "  wrong: %s\n", wrong);
	hexdiff_print(report, &expected->frame, result->frame, result->size);
	return false;
}

/* --- the connection */

static void compare_say_flow(FILE *report, const char *what, bool there, uint32_t backend,
			     uint32_t attempt, bool confirmed, bool closing, bool udp)
{
	if (!there)
		fprintf(report, "  entry %s: none\n", what);
	else
		fprintf(report, "  entry %s: backend %u, attempt %u%s%s%s\n", what, backend,
			attempt, confirmed ? ", confirmed" : "", closing ? ", closing" : "",
			udp ? ", udp" : "");
}

static bool compare_same_flow(const struct flow *flow, const struct table_entry *entry)
{
	return flow->backend == entry->backend && flow->attempt == lbd_value_nat(entry->flags) &&
	       flow->confirmed == !!(entry->flags & LBD_CONN_CONFIRMED) &&
	       flow->closing == !!(entry->flags & LBD_CONN_CLOSING) &&
	       flow->udp == !!(entry->flags & LBD_CONN_UDP);
}

static bool compare_entry(const struct stage *stage, const struct flow_key *key, bool may_lack,
			  FILE *report)
{
	const struct flow *flow = flows_find(&stage->reference.flows, key);
	struct table_entry entry = { 0 };
	const bool there = stage_entry(stage, key, &entry);

	if (!there && (!flow || may_lack))
		return true;
	if (there && flow && compare_same_flow(flow, &entry))
		return true;
	compare_say_flow(report, "expected", flow, flow ? flow->backend : 0,
			 flow ? flow->attempt : 0, flow && flow->confirmed, flow && flow->closing,
			 flow && flow->udp);
	compare_say_flow(report, "came", there, entry.backend, lbd_value_nat(entry.flags),
			 entry.flags & LBD_CONN_CONFIRMED, entry.flags & LBD_CONN_CLOSING,
			 entry.flags & LBD_CONN_UDP);
	return false;
}

static bool compare_any_bit(const uint64_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (words[i])
			return true;
	return false;
}

static bool compare_news(const struct stage *stage, const struct expectation *expected,
			 FILE *report)
{
	const struct tables *tables = dataplane_tables(stage->lab.dataplane);
	const bool news = compare_any_bit(tables->dirty4, tables->conn4_buckets / 64) ||
			  compare_any_bit(tables->dirty6, tables->conn6_buckets / 64);

	if (news)
		compare_clear_news(tables);
	if (news ? expected->changed || expected->touched : !expected->changed)
		return true;
	fprintf(report, "  news for the peers: expected %s, came %s\n", news ? "no" : "yes",
		news ? "yes" : "no");
	return false;
}

/* A young confirmed connection that nothing may displace. */
static void compare_keep(struct stage *stage, const struct flow_key *key)
{
	struct flow *kept = flows_find(&stage->kept, key);
	struct table_entry entry;

	if (!stage_entry(stage, key, &entry))
		return;
	if (!kept)
		kept = flows_add(&stage->kept, key);
	kept->confirmed = entry.flags & LBD_CONN_CONFIRMED;
}

bool compare_packet(struct stage *stage, const struct frame *frame, struct expectation *expected,
		    const struct compare_result *result, FILE *report)
{
	uint64_t now[LBD_OUTCOME_MAX] = { 0 };
	bool good = true;

	dataplane_outcomes(stage->lab.dataplane, now);
	compare_expect_no_answer(stage, now, frame, expected);
	good &= compare_verdict(expected, result, report);
	good &= compare_outcome(stage, expected, now, report);
	good &= compare_frame(stage, expected, result, report);
	good &= compare_news(stage, expected, report);
	if (!expected->has_flow)
		return good;
	good &= compare_entry(stage, &expected->key, stage->crowded && expected->entered, report);
	if (stage->crowded)
		compare_keep(stage, &expected->key);
	return good;
}

/* --- at the end */

/* What moved since the story began, against what the reference counted. */
static bool compare_traffic(const struct lbd_traffic *before, const struct lbd_traffic *now,
			    const struct lbd_traffic *expected, uint32_t count, const char *what,
			    FILE *report)
{
	bool good = true;

	for (uint32_t i = 0; i < count; i++) {
		const unsigned long long packets = now[i].packets - before[i].packets;
		const unsigned long long bytes = now[i].bytes - before[i].bytes;

		if (packets == expected[i].packets && bytes == expected[i].bytes)
			continue;
		fprintf(report,
			"  traffic of %s %u: expected %llu packets, %llu bytes; came %llu, %llu\n",
			what, i, (unsigned long long)expected[i].packets,
			(unsigned long long)expected[i].bytes, packets, bytes);
		good = false;
	}
	return good;
}

static bool compare_counters(struct stage *stage, FILE *report)
{
	const struct lbd_limits *limits = &stage->lab.model->limits;
	struct stage_traffic now;
	bool good;

	if (stage_read_traffic(stage, &now)) {
		fprintf(report, "  the traffic counters can't be read\n");
		return false;
	}
	good = compare_traffic(stage->before.services, now.services, stage->reference.services,
			       limits->services, "service", report);
	good &= compare_traffic(stage->before.backends, now.backends, stage->reference.backends,
				limits->backends, "backend", report);
	stage_free_traffic(&now);
	return good;
}

/* Every connection that the reference knows is in the table, and no other. */
static bool compare_table(const struct stage *stage, FILE *report)
{
	const struct flows *flows = &stage->reference.flows;
	uint64_t ipv4, ipv6;
	bool good = true;

	tables_count(dataplane_tables(stage->lab.dataplane), &ipv4, &ipv6);
	if (ipv4 + ipv6 != flows->count) {
		fprintf(report, "  entries in the table: expected %u, came %llu\n", flows->count,
			(unsigned long long)(ipv4 + ipv6));
		good = false;
	}
	for (uint32_t i = 0; i < flows->places; i++)
		if (flows->slots[i].used)
			good &= compare_entry(stage, &flows->slots[i].key, false, report);
	return good;
}

/* However crowded: no newcomer took the place of a live connection. */
static bool compare_kept(const struct stage *stage, FILE *report)
{
	struct table_entry entry;
	uint32_t lost = 0;

	for (uint32_t i = 0; i < stage->kept.places; i++) {
		const struct flow *flow = &stage->kept.slots[i];

		if (flow->used && flow->confirmed && !stage_entry(stage, &flow->key, &entry))
			lost++;
	}
	if (lost)
		fprintf(report, "  live connections displaced: expected none, came %u\n", lost);
	return !lost;
}

bool compare_end(struct stage *stage, FILE *report)
{
	bool good = compare_counters(stage, report);

	return (stage->crowded ? compare_kept(stage, report) : compare_table(stage, report)) &&
	       good;
}
