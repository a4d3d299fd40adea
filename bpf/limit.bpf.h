/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rate limits: token buckets (lbd/guard.h) of source prefixes, of source
 * prefixes at a service, and of services.
 *
 * Sources live in a table of fixed size, two to a cache line, keyed with a
 * secret so that nobody can aim at a neighbour's. A new source takes the place
 * of the one whose allowance is nearest to full: one that is full loses
 * nothing, and whoever is being limited is the last to be forgotten.
 *
 * A service's meters are shared by all CPUs. Each takes a batch of the
 * allowance at once, so that they rarely write the same line.
 */
#ifndef LIMIT_BPF_H
#define LIMIT_BPF_H

#include "bpf/clock.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "lbd/guard.h"

LBD_INLINE __u64 limit_now(void)
{
	return clock_jiffies() << LBD_METER_SHIFT;
}

/* Take @count from the meter. A trace only asks. */
LBD_INLINE _Bool limit_take(__u64 *meter, const struct lbd_rate *rate, __u32 count)
{
	const __u64 now = limit_now(), at = LBD_READ_ONCE(*meter), cost = rate->cost * count;

	if (!lbd_rate_allows(rate, at, now))
		return 0;
	if (!config_writes())
		return 1;
	/* A meter in the past has paid: it goes on from now. Who loses the race adds to the winner's. */
	if (at >= now || LBD_CAS(meter, at, now + cost) != at)
		__sync_fetch_and_add(meter, cost);
	return 1;
}

/* Give the slot of the source that has the most left to @key. */
LBD_INLINE struct lbd_source *limit_replace(struct lbd_source_bucket *bucket, __u64 key)
{
	struct lbd_source *slot = &bucket->slot[0];
	__u64 held;

	if (bucket->slot[1].meter[LBD_ASK_PACKET] + bucket->slot[1].meter[LBD_ASK_SYN] +
		    bucket->slot[1].meter[LBD_ASK_ENTRY] <
	    slot->meter[LBD_ASK_PACKET] + slot->meter[LBD_ASK_SYN] + slot->meter[LBD_ASK_ENTRY])
		slot = &bucket->slot[1];
	held = LBD_READ_ONCE(slot->key);
	if (!config_writes() || LBD_CAS(&slot->key, held, key) != held)
		return NULL;
	slot->meter[LBD_ASK_PACKET] = 0;
	slot->meter[LBD_ASK_SYN] = 0;
	slot->meter[LBD_ASK_ENTRY] = 0;
	return slot;
}

/* NULL: it has no meter yet, and gets none just now. */
LBD_INLINE struct lbd_source *limit_source(__u64 key)
{
	__u32 index = (__u32)(key >> 32) & (lbd_config.limits.source_buckets - 1);
	struct lbd_source_bucket *bucket = bpf_map_lookup_elem(&lbd_sources, &index);

	if (!bucket)
		return NULL;
	if (bucket->slot[0].key == key)
		return &bucket->slot[0];
	if (bucket->slot[1].key == key)
		return &bucket->slot[1];
	return limit_replace(bucket, key);
}

/* @service 0: over all of them. */
LBD_INLINE _Bool limit_source_allows(const struct lbd_rate *rate, __u64 upper, __u32 service,
				     _Bool v6, enum lbd_ask ask)
{
	const struct lbd_secret secret = { { lbd_config.conn_secret.words[0],
					     lbd_config.conn_secret.words[1] } };
	struct lbd_source *source;

	if (!rate->cost)
		return 1;
	source = limit_source(lbd_source_key(upper, service, v6, &secret));
	return !source || limit_take(&source->meter[ask], rate, 1);
}

LBD_INLINE _Bool limit_service_allows(const struct lbd_rate *rate, __u32 batch, __u32 service,
				      enum lbd_ask ask)
{
	struct lbd_service_meter *meter;
	struct lbd_credit *credit;

	if (!rate->cost)
		return 1;
	credit = bpf_map_lookup_elem(&lbd_credits, &service);
	meter = bpf_map_lookup_elem(&lbd_meters, &service);
	if (!credit || !meter)
		return 1;
	if (!config_writes())
		return credit->left[ask] || limit_take(&meter->meter[ask], rate, batch);
	if (!credit->left[ask]) {
		if (!limit_take(&meter->meter[ask], rate, batch))
			return 0;
		credit->left[ask] = batch;
	}
	credit->left[ask]--;
	return 1;
}

LBD_INLINE int limit_check(const struct lbd_rule *rule, __u64 upper, __u32 service, _Bool v6,
			   enum lbd_ask ask)
{
	const int kind = ask == LBD_ASK_PACKET ? LBD_RATE_PACKETS : LBD_RATE_NEW;
	const _Bool packet = ask == LBD_ASK_PACKET;
	const __u64 source = upper & (v6 ? rule->source6 : rule->source4);

	if (!limit_source_allows(&rule->rate[LBD_SCOPE_SOURCE][kind], source, 0, v6, ask) ||
	    !limit_source_allows(&rule->rate[LBD_SCOPE_SERVICE_SOURCE][kind], source, service, v6,
				 ask))
		return packet ? LBD_OUTCOME_DROP_SOURCE_PACKETS : LBD_OUTCOME_DROP_SOURCE_NEW;
	if (!limit_service_allows(&rule->rate[LBD_SCOPE_SERVICE][kind], rule->batch[kind], service,
				  ask))
		return packet ? LBD_OUTCOME_DROP_SERVICE_PACKETS : LBD_OUTCOME_DROP_SERVICE_NEW;
	return PACKET_GO_ON;
}

/* @place: of the service's rule. Three functions, as what is asked for is best a constant. */
LBD_INLINE int limit_ask(__u64 upper, __u32 place, _Bool v6, enum lbd_ask ask)
{
	const struct lbd_rule *rule = bpf_map_lookup_elem(&lbd_rules, &place);

	if (!rule)
		return PACKET_GO_ON;
	return limit_check(rule, upper, place & (lbd_config.limits.services - 1), v6, ask);
}

__attribute__((noinline)) int limit_packet(__u64 upper, __u32 place, __u32 v6)
{
	return limit_ask(upper, place, v6, LBD_ASK_PACKET);
}

__attribute__((noinline)) int limit_syn(__u64 upper, __u32 place, __u32 v6)
{
	return limit_ask(upper, place, v6, LBD_ASK_SYN);
}

__attribute__((noinline)) int limit_entry(__u64 upper, __u32 place, __u32 v6)
{
	return limit_ask(upper, place, v6, LBD_ASK_ENTRY);
}

#endif
