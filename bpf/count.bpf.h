/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters. Per CPU, so plain adds do: XDP isn't preempted by itself on a CPU. */
#ifndef COUNT_BPF_H
#define COUNT_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/sample.bpf.h"
#include "bpf/trace.bpf.h"
#include "lbd/mask.h"

/*
 * A packet leaves, once: with an outcome, and as whose (0: nobody's, or told
 * already by trace_target). One test of a feature, as each costs a load even
 * where it is off.
 */
LBD_INLINE void count_exit(enum lbd_outcome outcome, __u16 service, __u16 backend)
{
	struct lbd_outcome_counters *counters;
	__u32 zero = 0, index;

	if (config_has(LBD_FEATURE_TRACE | LBD_FEATURE_SAMPLE)) {
		trace_target(service, backend);
		trace_outcome(outcome);
		sample_note(outcome, service);
		if (!config_writes())
			return;
	}
	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	if (!counters)
		return;
	/* The verifier forgets a bound when the number is kept on the stack, the compiler doesn't. */
	index = outcome;
	LBD_OPAQUE(index);
	counters->packets[index & (LBD_OUTCOME_MAX - 1)]++;
}

LBD_INLINE void count_outcome(enum lbd_outcome outcome)
{
	count_exit(outcome, 0, 0);
}

LBD_INLINE void count_traffic(void *map, __u32 index, __u32 bytes)
{
	struct lbd_traffic *traffic = bpf_map_lookup_elem(map, &index);

	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
}

/* What a service and a backend are given. */
LBD_INLINE void count_forwarded(__u16 service, __u16 backend, __u32 bytes)
{
	if (!config_writes())
		return;
	count_traffic(&lbd_svc_stats, service, bytes);
	count_traffic(&lbd_be_stats, backend, bytes);
}

#endif
