// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	double floor;
} verdict_rates[VERDICT_RATE_COUNT] = {
#define X(constant, name, floor) { name, (floor) / 10000.0 },
	VERDICT_RATES(X)
#undef X
};

/* Such as a side gets that gets all but flows: the splitter can't tell whose they are. */
static bool verdict_is_beside(int outcome)
{
	switch (outcome) {
	case LBD_OUTCOME_PASS_NOT_IP:
	case LBD_OUTCOME_PASS_NOT_L4:
	case LBD_OUTCOME_PASS_TRUNCATED:
	case LBD_OUTCOME_DROP_FRAGMENT:
	case LBD_OUTCOME_FORWARD_FRAGMENT:
	case LBD_OUTCOME_HOLD_FRAGMENT:
	case LBD_OUTCOME_FORWARD_ICMP:
	case LBD_OUTCOME_ANSWER_ECHO:
	case LBD_OUTCOME_DROP_ICMP_UNKNOWN:
	case LBD_OUTCOME_DROP_ICMP_BAD:
		return true;
	default:
		return false;
	}
}

/* VERDICT_RATE_COUNT: nothing bad. */
static enum verdict_rate verdict_rate_of(int outcome)
{
	static const enum verdict_rate by_kind[] = {
		[LBD_KIND_PASS] = VERDICT_PASSES,
		[LBD_KIND_DROP] = VERDICT_DROPS,
		[LBD_KIND_FORWARD] = VERDICT_RATE_COUNT,
		[LBD_KIND_ANSWER] = VERDICT_RATE_COUNT,
	};
	static const enum lbd_outcome_kind kinds[] = {
#define X(constant, name, kind, sentence) LBD_KIND_##kind,
		LBD_OUTCOMES(X)
#undef X
	};

	switch (outcome) {
	case LBD_OUTCOME_DROP_NO_BACKEND:
		return VERDICT_NO_BACKEND;
	case LBD_OUTCOME_DROP_UNRESOLVED:
	case LBD_OUTCOME_DROP_NO_ROUTE:
		return VERDICT_UNROUTED;
	case LBD_OUTCOME_FORWARD_NEW:
	case LBD_OUTCOME_FORWARD_FIRST:
	case LBD_OUTCOME_FORWARD_UNTRACKED:
	case LBD_OUTCOME_FORWARD_REPICKED:
		return VERDICT_MISSES;
	default:
		return outcome < LBD_OUTCOME_COUNT ? by_kind[kinds[outcome]] : VERDICT_RATE_COUNT;
	}
}

void verdict_count(const uint64_t *outcomes, uint64_t packets, bool flows,
		   struct verdict_counts *ret)
{
	uint64_t named = 0;

	*ret = (struct verdict_counts){ .packets = packets };
	for (int outcome = 0; outcome < LBD_OUTCOME_MAX; outcome++) {
		const enum verdict_rate rate = verdict_rate_of(outcome);

		if (flows && verdict_is_beside(outcome))
			continue;
		named += outcomes[outcome];
		if (rate < VERDICT_RATE_COUNT)
			ret->bad[rate] += outcomes[outcome];
	}
	if (named < packets)
		ret->bad[VERDICT_UNACCOUNTED] = packets - named;
}

static double verdict_share(uint64_t bad, uint64_t packets)
{
	const double share = packets ? (double)bad / (double)packets : 0;

	return share > 1 ? 1 : share;
}

/* How many standard errors the shares @is and @was lie apart, were both alike in truth. */
static double verdict_z(double is, double was, uint64_t new_packets, uint64_t old_packets)
{
	const double n = (double)new_packets, m = (double)old_packets;
	const double pooled = (is * n + was * m) / (n + m);
	const double error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));

	if (error > 0)
		return (is - was) / error;
	return is > was ? INFINITY : 0;
}

/*
 * The z that one of @among must reach, so that all of them together are wrong as
 * rarely as one is with VERDICT_Z (Bonferroni): the tail beyond z falls about as
 * exp(-z * z / 2) does.
 */
static double verdict_bar(uint32_t among)
{
	return among > 1 ? sqrt(VERDICT_Z * VERDICT_Z + 2 * log(among)) : VERDICT_Z;
}

static bool verdict_is_worse(const struct verdict_finding *finding, uint64_t bad, uint32_t among)
{
	return bad >= VERDICT_BAD_MIN && finding->z >= verdict_bar(among) &&
	       finding->is - finding->was >= verdict_rates[finding->rate].floor;
}

struct verdict_finding verdict_judge(const struct verdict_counts *old,
				     const struct verdict_counts *new, uint32_t among)
{
	struct verdict_finding worst = { .verdict = VERDICT_UNSURE };
	double harmed = 0;

	if (old->packets < VERDICT_PACKETS_MIN || new->packets < VERDICT_PACKETS_MIN)
		return worst;
	worst.z = -INFINITY;
	worst.verdict = VERDICT_ALIKE;
	for (int i = 0; i < VERDICT_RATE_COUNT; i++) {
		struct verdict_finding one = {
			.verdict = VERDICT_ALIKE,
			.rate = (enum verdict_rate)i,
			.is = verdict_share(new->bad[i], new->packets),
			.was = verdict_share(old->bad[i], old->packets),
		};

		one.z = verdict_z(one.is, one.was, new->packets, old->packets);
		if (verdict_is_worse(&one, new->bad[i], among)) {
			one.verdict = VERDICT_WORSE;
			harmed += (one.is - one.was) * (double)new->packets;
		}
		if (one.verdict > worst.verdict ||
		    (one.verdict == worst.verdict && one.z > worst.z))
			worst = one;
	}
	worst.harmed = (uint64_t)(harmed + 0.5);
	return worst;
}

const char *verdict_format(const struct verdict_finding *finding, const struct verdict_counts *new,
			   char *text)
{
	if (finding->verdict == VERDICT_UNSURE)
		snprintf(text, VERDICT_TEXT_MAX, "too few packets to compare, %llu",
			 (unsigned long long)new->packets);
	else
		snprintf(text, VERDICT_TEXT_MAX,
			 "%llu of %llu packets (%.2f %%) %s, and %.2f %% of the old one's",
			 (unsigned long long)new->bad[finding->rate],
			 (unsigned long long)new->packets, finding->is * 100,
			 verdict_rates[finding->rate].name, finding->was * 100);
	return text;
}
