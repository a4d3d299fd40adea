// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program that is attached, once, and never replaced in normal life. It
 * hands every packet to the running generation and does nothing else. A tail
 * call with a constant index costs a direct jump.
 */
#include "bpf/generations.bpf.h"
#include "bpf/maps.bpf.h"

LBD_INLINE void root_count(void)
{
	struct lbd_outcome_counters *counters;
	__u32 zero = 0;

	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	if (counters)
		counters->packets[LBD_OUTCOME_PASS_NO_GENERATION]++;
}

SEC("xdp")
int lbd_root(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &lbd_generations, LBD_GENERATION_RUNNING);
	root_count();
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
