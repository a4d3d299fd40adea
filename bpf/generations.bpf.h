/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GENERATIONS_BPF_H
#define GENERATIONS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/maps.bpf.h"
#include "lbd/generation.h"

/* The packet paths that are loaded, and their stages. One update of slot RUNNING is an upgrade. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, LBD_GENERATIONS_SIZE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lbd_generations SEC(".maps");

/* The way out where there is no generation to hand a packet to. */
LBD_INLINE int generations_none(void)
{
	struct lbd_outcome_counters *counters;
	__u32 zero = 0;

	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	if (counters)
		counters->packets[LBD_OUTCOME_PASS_NO_GENERATION]++;
	return XDP_PASS;
}

#endif
