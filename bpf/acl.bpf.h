/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allow and deny lists: one search tells all lists that a source is on
 * (lbd/guard.h), the service's rule says what they mean.
 *
 * The search is a function of its own and takes nothing but scalars, so that
 * what the hot path holds of a packet stays in registers.
 */
#ifndef ACL_BPF_H
#define ACL_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "lbd/guard.h"

/* @base: of the half in force. Returns a bit for each list; 0 if the tree is broken. */
__attribute__((noinline)) int acl_lists(__u64 upper, __u64 lower, __u32 base, __u32 root)
{
	struct lbd_acl_walk walk = { .key = upper, .low = lower, .at = root };

	for (int depth = 0; depth < LBD_ACL_DEPTH; depth++) {
		__u32 index = base + walk.at;
		const struct lbd_acl_entry *entry = bpf_map_lookup_elem(&lbd_acl, &index);

		if (!entry)
			return 0;
		if (lbd_acl_step(&walk, entry))
			return (int)walk.lists;
	}
	return 0;
}

#endif
