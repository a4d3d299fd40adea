// SPDX-License-Identifier: GPL-2.0-only
/* The pairs of layout_pairs.h as maps, for their BTF. Nobody loads it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "tests/unit/layout_pairs.h"

#define MAP(name, value_type)                     \
	struct {                                  \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(max_entries, 1);           \
		__type(key, __u32);               \
		__type(value, value_type);        \
	} name SEC(".maps");

#define X(name)                            \
	MAP(old_##name, struct old_##name) \
	MAP(new_##name, struct new_##name)
LAYOUT_PAIRS(X)
#undef X

struct test_key {
	__u16 port;
	__u8 reserved[2];
};

struct test_wide_key {
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct test_key);
	__type(value, __u32);
} old_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct test_wide_key);
	__type(value, __u64);
} new_hash SEC(".maps");

/* Takes no types. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} untyped SEC(".maps");
