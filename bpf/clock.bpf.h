/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one clock of the packet path: jiffies, the cheapest there is. A trace of
 * a capture sets it to the capture's own time, so that entries age by that.
 */
#ifndef CLOCK_BPF_H
#define CLOCK_BPF_H

#include <bpf/bpf_helpers.h>

#include "bpf/config.bpf.h"
#include "bpf/trace.bpf.h"

LBD_INLINE __u64 clock_jiffies(void)
{
	const struct lbd_trace *record = trace_record();

	return record && record->jiffies ? record->jiffies : bpf_jiffies64();
}

/* Ticks as entries carry them, about a second each. */
LBD_INLINE __u32 clock_tick(void)
{
	return (__u32)(clock_jiffies() >> lbd_config.tick_shift) & LBD_TICK_MASK;
}

#endif
