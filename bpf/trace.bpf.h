/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a tracing generation tells of each packet (struct lbd_trace). Others
 * have none of this code, and a map of one empty entry.
 */
#ifndef TRACE_BPF_H
#define TRACE_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/config.bpf.h"
#include "lbd/generation.h"

/* Not in maps.bpf.h: each generation has its own, and the root program none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lbd_trace);
} lbd_trace SEC(".maps");

/* NULL unless this generation traces. */
LBD_INLINE struct lbd_trace *trace_record(void)
{
	__u32 zero = 0;

	return config_has(LBD_FEATURE_TRACE) ? bpf_map_lookup_elem(&lbd_trace, &zero) : NULL;
}

/* Whose packet it is: a service's id and a backend's index; 0 says nothing of it. */
LBD_INLINE void trace_target(__u16 service, __u16 backend)
{
	struct lbd_trace *record = trace_record();

	if (record && service)
		record->service = service;
	if (record && backend)
		record->backend = backend;
}

LBD_INLINE void trace_outcome(__u32 outcome)
{
	struct lbd_trace *record = trace_record();

	if (!record)
		return;
	record->outcome = outcome;
	record->exits++;
}

#endif
