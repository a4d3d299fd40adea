// SPDX-License-Identifier: GPL-2.0-only
/* The packet path's side of the race in test_conntable_race.c: a flow per run. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "tests/unit/conntable_flows.h"

#define RACE_ARRAY(name, entries, value_type)      \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, entries);      \
		__type(key, __u32);                \
		__type(value, value_type);         \
	} name SEC(".maps")

RACE_ARRAY(race_conn4, BUCKETS_MAX, struct lbd_bucket);
RACE_ARRAY(race_conn6, BUCKETS_MAX, struct lbd_bucket6);
RACE_ARRAY(race_party, 1, struct flows_party);

LBD_INLINE _Bool race_bucket(struct lbd_pair *pair, int which, __u64 hash, __u32 buckets, _Bool v6)
{
	__u32 index = lbd_flow_bucket(hash, which, buckets - 1);
	struct lbd_bucket6 *both;

	if (!v6) {
		pair->bucket[which] = bpf_map_lookup_elem(&race_conn4, &index);
		pair->client[which] = NULL;
		return pair->bucket[which];
	}
	both = bpf_map_lookup_elem(&race_conn6, &index);
	if (!both)
		return 0;
	pair->bucket[which] = &both->line;
	pair->client[which] = both->client;
	return 1;
}

LBD_INLINE _Bool race_find(const struct lbd_pair *pair, const struct lbd_flow *flow, __u64 *value)
{
	return lbd_bucket_find(pair->bucket[0], pair->client[0], flow, value) < LBD_BUCKET_SLOTS ||
	       lbd_bucket_find(pair->bucket[1], pair->client[1], flow, value) < LBD_BUCKET_SLOTS;
}

LBD_INLINE void race_step(struct flows_party *party, __u32 n, __u32 dice, _Bool v6)
{
	const struct lbd_secret secret = { { flows_secret.words[0], flows_secret.words[1] } };
	const struct lbd_timeouts timeouts = {
		flows_timeouts.tcp,	    flows_timeouts.udp,	  flows_timeouts.closing,
		flows_timeouts.unconfirmed, flows_timeouts.guard,
	};
	struct lbd_flow flow = flows_flow(n, v6);
	__u64 hash = lbd_flow_hash(&flow, v6, &secret), value = 0;
	struct lbd_pair pair = {};

	if (!race_bucket(&pair, 0, hash, party->buckets, v6) ||
	    !race_bucket(&pair, 1, hash, party->buckets, v6))
		return;
	if (race_find(&pair, &flow, &value)) {
		party->found++;
		party->wrong += lbd_value_backend(value) != flows_backend(n);
		return;
	}
	party->inserted += lbd_pair_insert(&pair, &flow, flows_value(&flow, n, dice), NOW,
					   &timeouts, LBD_KEY_CLAIMED_BPF);
}

SEC("xdp")
int race(struct xdp_md *ctx)
{
	struct flows_party *party;
	__u32 zero = 0, dice;

	(void)ctx;
	party = bpf_map_lookup_elem(&race_party, &zero);
	if (!party)
		return XDP_ABORTED;
	dice = flows_dice(&party->dice);
	if (dice & 1)
		race_step(party, dice >> 1 & (party->flows - 1), dice >> 12, 1);
	else
		race_step(party, dice >> 1 & (party->flows - 1), dice >> 12, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
