/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters. Per CPU, so plain adds do: XDP isn't preempted by itself on a CPU. */
#ifndef COUNT_BPF_H
#define COUNT_BPF_H

#include "bpf/maps.bpf.h"

LBD_INLINE void count_outcome(enum lbd_outcome outcome)
{
	struct lbd_outcome_counters *counters;
	__u32 index = outcome, zero = 0;

	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	/* Compared behind the call, or the verifier forgets: what a function returned may be anything. */
	LBD_OPAQUE(index);
	if (counters && index < LBD_OUTCOME_MAX)
		counters->packets[index]++;
}

LBD_INLINE void count_traffic(void *map, __u32 index, __u32 bytes)
{
	struct lbd_traffic *traffic = bpf_map_lookup_elem(map, &index);

	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
}

#endif
