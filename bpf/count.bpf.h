/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters. Per CPU, so plain adds do: XDP isn't preempted by itself on a CPU. */
#ifndef COUNT_BPF_H
#define COUNT_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/trace.bpf.h"

LBD_INLINE void count_outcome(enum lbd_outcome outcome)
{
	struct lbd_outcome_counters *counters;
	__u32 zero = 0;

	trace_outcome(outcome);
	if (!config_writes())
		return;
	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	if (counters && outcome < LBD_OUTCOME_MAX)
		counters->packets[outcome]++;
}

LBD_INLINE void count_traffic(void *map, __u32 index, __u32 bytes)
{
	struct lbd_traffic *traffic;

	if (!config_writes())
		return;
	traffic = bpf_map_lookup_elem(map, &index);
	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
}

#endif
