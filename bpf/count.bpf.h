/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters. Per CPU, so plain adds do: XDP isn't preempted by itself on a CPU. */
#ifndef COUNT_BPF_H
#define COUNT_BPF_H

#include "bpf/maps.bpf.h"
#include "lbd/mask.h"

LBD_INLINE void count_outcome(enum lbd_outcome outcome)
{
	struct lbd_outcome_counters *counters;
	__u32 zero = 0, index;

	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	if (!counters)
		return;
	/* A mask, not a compare: the verifier forgets a bound when the number is kept on the stack. */
	index = outcome & (LBD_OUTCOME_MAX - 1);
	LBD_OPAQUE(index);
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
