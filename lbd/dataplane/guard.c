// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard's part of a snapshot: rules of services, the tree of all lists. And what it did. */
#include <string.h>

#include "base/monotonic.h"
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

/* Service 0: what holds for packets of none, and for those whose service isn't known yet. */
static void guard_rule_of_all(const struct dataplane *dataplane, const struct model *model,
			      struct lbd_rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	rule->deny = model->deny;
	rule->source4 = guard_mask(model->source_bits4);
	rule->source6 = guard_mask(model->source_bits6);
	guard_rates(dataplane, &model->source_limits, rule->rate[LBD_SCOPE_SOURCE]);
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

static struct lbd_rule *guard_rules_of(const struct dataplane *dataplane, uint32_t half)
{
	return (struct lbd_rule *)dataplane->memory[MAP_lbd_rules] +
	       (size_t)half * dataplane->limits.services;
}

void dataplane_guard_write(struct dataplane *dataplane, const struct model *model, uint32_t half)
{
	struct lbd_rule *rules = guard_rules_of(dataplane, half);

	guard_rule_of_all(dataplane, model, &rules[0]);
	for (uint32_t id = 1; id < model->limits.services; id++)
		guard_rule(dataplane, model, &model->services[id], &rules[id]);
	guard_write_lists(dataplane, model->guard, half);
}

static bool guard_same_rates(const struct lbd_rule *a, const struct lbd_rule *b,
			     enum lbd_scope scope)
{
	return !memcmp(a->rate[scope], b->rate[scope], sizeof(a->rate[scope]));
}

void dataplane_guard_settle(struct dataplane *dataplane)
{
	const uint32_t half = dataplane->control->active & 1;
	const struct lbd_rule *new = guard_rules_of(dataplane, half);
	const struct lbd_rule *old = guard_rules_of(dataplane, half ^ 1);
	struct lbd_service_meter *meters = dataplane->memory[MAP_lbd_meters];
	bool sources = false;

	for (uint32_t id = 1; id < dataplane->limits.services; id++) {
		if (!guard_same_rates(&new[id], &old[id], LBD_SCOPE_SERVICE))
			memset(&meters[id], 0, sizeof(meters[id]));
		sources |= !guard_same_rates(&new[id], &old[id], LBD_SCOPE_SOURCE) ||
			   !guard_same_rates(&new[id], &old[id], LBD_SCOPE_SERVICE_SOURCE);
	}
	if (sources)
		memset(dataplane->memory[MAP_lbd_sources], 0, dataplane->size[MAP_lbd_sources]);
}

/* A source whose meters are all in the past has its whole limit again. */
static bool guard_busy(const struct lbd_source *source, uint64_t now)
{
	for (int ask = 0; ask < LBD_ASKS; ask++)
		if (source->meter[ask] > now)
			return true;
	return false;
}

/* Now, as meters have it. */
static uint64_t guard_now(const struct dataplane *dataplane)
{
	const uint32_t jiffy_ns = dataplane->tables.tick_ns >> dataplane->tick_shift;
	const int64_t ns = monotonic_ns() - dataplane->tables.tick_base_ns;

	return (uint64_t)ns / jiffy_ns << LBD_METER_SHIFT;
}

void dataplane_guard_usage(const struct dataplane *dataplane, const struct model *model,
			   struct dataplane_guard *ret)
{
	const struct lbd_source_bucket *buckets = dataplane->memory[MAP_lbd_sources];
	const uint64_t now = guard_now(dataplane);

	*ret = (struct dataplane_guard){
		.places = model->guard ? model->guard->entries_count : 0,
		.places_room = dataplane->limits.acl_entries,
		.sources_room = dataplane->limits.source_buckets * LBD_SOURCE_SLOTS,
	};
	for (uint32_t i = 0; i < ret->sources_room; i++) {
		const struct lbd_source *source =
			&buckets[i / LBD_SOURCE_SLOTS].slot[i % LBD_SOURCE_SLOTS];

		ret->sources += source->key != 0;
		ret->sources_busy += source->key && guard_busy(source, now);
	}
}

/* --- drops that were kept */

/* False: it is being written, or was written over. */
static bool guard_read_drop(const struct lbd_drop *from, uint64_t ticket, struct lbd_drop *to)
{
	if (__atomic_load_n(&from->ticket, __ATOMIC_ACQUIRE) != ticket)
		return false;
	*to = *from;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&from->ticket, __ATOMIC_RELAXED) == ticket;
}

uint32_t dataplane_drops(const struct dataplane *dataplane, struct lbd_drop *ret, uint64_t *ret_all)
{
	const struct lbd_drop *ring = dataplane->memory[MAP_lbd_drops];
	const uint64_t last = __atomic_load_n(&ring->ticket, __ATOMIC_ACQUIRE);
	uint32_t count = 0;

	for (uint64_t ticket = last; ticket && last - ticket < LBD_DROPS; ticket--)
		count += guard_read_drop(&ring[ticket % LBD_DROPS + 1], ticket, &ret[count]);
	*ret_all = last;
	return count;
}
