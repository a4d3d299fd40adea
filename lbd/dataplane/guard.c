// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard's part of a snapshot: rules of services, the tree of all lists. */
#include <string.h>

#include "dataplane/internal.h"

/* So many batches at least make up a burst, or CPUs would hold a good part of it. */
#define GUARD_BATCHES 64
#define GUARD_BATCH_MAX 64

/* In the time of meters. */
static uint64_t guard_time(const struct dataplane *dataplane, uint64_t ns)
{
	const uint64_t jiffy_ns = dataplane->tables.tick_ns >> dataplane->tick_shift;

	return (uint64_t)(((unsigned __int128)ns << LBD_METER_SHIFT) / jiffy_ns);
}

static struct lbd_rate guard_rate(const struct dataplane *dataplane, uint32_t per_second,
				  uint32_t burst_ms)
{
	/* The clock stands still for a jiffy: what is due in that time must fit. */
	const uint64_t least = 2ULL << LBD_METER_SHIFT;
	struct lbd_rate rate = { 0 };

	if (!per_second)
		return rate;
	rate.cost = guard_time(dataplane, 1000000000) / per_second;
	rate.burst = guard_time(dataplane, burst_ms * 1000000ULL);
	if (rate.burst < least)
		rate.burst = least;
	/* The first of a burst is let through at no distance. */
	rate.burst -= rate.cost < rate.burst ? rate.cost : rate.burst;
	return rate;
}

static void guard_rates(const struct dataplane *dataplane, const struct config_rates *from,
			struct lbd_rate *to)
{
	to[LBD_RATE_PACKETS] = guard_rate(dataplane, from->packets, from->burst_ms);
	to[LBD_RATE_NEW] = guard_rate(dataplane, from->new, from->burst_ms);
}

static uint32_t guard_batch(const struct lbd_rate *rate)
{
	const uint64_t batch = rate->cost ? rate->burst / rate->cost / GUARD_BATCHES : 0;

	if (batch > GUARD_BATCH_MAX)
		return GUARD_BATCH_MAX;
	return batch ? (uint32_t)batch : 1;
}

static uint64_t guard_mask(uint32_t bits)
{
	return bits ? ~0ULL << (64 - bits) : 0;
}

static void guard_rule(const struct dataplane *dataplane, const struct model *model,
		       const struct service *service, struct lbd_rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	if (!service->id || service->gone)
		return;
	rule->deny = service->deny;
	rule->allow = service->allow;
	rule->source4 = guard_mask(model->source_bits4);
	rule->source6 = guard_mask(model->source_bits6);
	guard_rates(dataplane, &model->source_limits, rule->rate[LBD_SCOPE_SOURCE]);
	guard_rates(dataplane, &service->source_limits, rule->rate[LBD_SCOPE_SERVICE_SOURCE]);
	guard_rates(dataplane, &service->limits, rule->rate[LBD_SCOPE_SERVICE]);
	for (int kind = 0; kind < LBD_RATES; kind++)
		rule->batch[kind] = guard_batch(&rule->rate[LBD_SCOPE_SERVICE][kind]);
}

/* Megabytes: not written again while the half holds these lists already. */
static void guard_write_lists(struct dataplane *dataplane, struct guard *guard, uint32_t half)
{
	struct lbd_acl_entry *to = (struct lbd_acl_entry *)dataplane->memory[MAP_lbd_acl] +
				   (size_t)half * dataplane->limits.acl_entries;

	if (guard && dataplane->guards[half] == guard)
		return;
	guard_release(dataplane->guards[half]);
	dataplane->guards[half] = guard_hold(guard);
	if (guard)
		memcpy(to, guard->entries, guard->entries_count * sizeof(*to));
	else
		memset(to, 0, 2 * sizeof(*to));
}

void dataplane_guard_write(struct dataplane *dataplane, const struct model *model, uint32_t half)
{
	struct lbd_rule *rules = (struct lbd_rule *)dataplane->memory[MAP_lbd_rules] +
				 (size_t)half * dataplane->limits.services;

	for (uint32_t id = 0; id < model->limits.services; id++)
		guard_rule(dataplane, model, &model->services[id], &rules[id]);
	guard_write_lists(dataplane, model->guard, half);
}
