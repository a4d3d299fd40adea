// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each pinned map is, and how it moves to another set of maps: one table.
 *
 * MOVE_COMMIT maps are never shared by two sets: a commit to one must not show
 * in the other. The maps of a group belong together: the way back of a
 * connection and the bits of its bucket are where the connection is.
 */
#include <string.h>

#include "dataplane/internal.h"

#define VALUES(value, count, how) .value_size = sizeof(value), .entries = (count), .move = (how)

#define MAPPED(value, count, how, ...)                                                          \
	{                                                                                       \
		.type = BPF_MAP_TYPE_ARRAY, .flags = BPF_F_MMAPABLE, VALUES(value, count, how), \
		__VA_ARGS__                                                                     \
	}

#define GROUPED(value, count, how, of)                                              \
	{                                                                           \
		.type = BPF_MAP_TYPE_ARRAY, .flags = BPF_F_MMAPABLE, .group = (of), \
		VALUES(value, count, how)                                           \
	}

#define PER_CPU(value, count, how)                                           \
	{                                                                    \
		.type = BPF_MAP_TYPE_PERCPU_ARRAY, VALUES(value, count, how) \
	}

/* Only the kernel reads and writes it, or it has a key that is no index. */
#define KERNEL(kind, value, count, how, ...)                           \
	{                                                              \
		.type = (kind), VALUES(value, count, how), __VA_ARGS__ \
	}

void shapes_of(const struct lbd_limits *l, struct map_shape *shapes)
{
	const uint32_t rings = l->rings * lbd_ring_words(l->ring_size);
	/* Twice: what the other half lacks is removed only once it is idle. */
	const uint32_t ids = 2 * LBD_QUIC_PER_BACKEND * l->backends;
	/* clang-format off */
	const struct map_shape all[MAP_COUNT] = {
		[MAP_lbd_control] = MAPPED(struct lbd_control, 1, MOVE_COMMIT, .adopted = true),
		[MAP_lbd_vips] = MAPPED(struct lbd_vip_bucket, 2 * l->vip_buckets, MOVE_COMMIT),
		[MAP_lbd_services] = MAPPED(struct lbd_service, 2 * l->services, MOVE_COMMIT, .adopted = true),
		[MAP_lbd_backends] = MAPPED(struct lbd_backend, 2 * l->backends, MOVE_COMMIT, .adopted = true),
		[MAP_lbd_rings] = MAPPED(__u64, rings, MOVE_COMMIT),
		[MAP_lbd_conn4] = GROUPED(struct lbd_bucket, l->conn4_buckets, MOVE_TABLE, GROUP_IPV4),
		[MAP_lbd_conn6] = GROUPED(struct lbd_bucket6, l->conn6_buckets, MOVE_TABLE, GROUP_IPV6),
		[MAP_lbd_nat4] = GROUPED(struct lbd_bucket, l->nat4_buckets, MOVE_WITH, GROUP_IPV4),
		[MAP_lbd_nat6] = GROUPED(struct lbd_bucket6, l->nat6_buckets, MOVE_WITH, GROUP_IPV6),
		[MAP_lbd_dirty4] = GROUPED(__u64, l->conn4_buckets / 64, MOVE_WITH, GROUP_IPV4),
		[MAP_lbd_dirty6] = GROUPED(__u64, l->conn6_buckets / 64, MOVE_WITH, GROUP_IPV6),
		[MAP_lbd_sticky] = MAPPED(struct lbd_bucket6, l->sticky_buckets, MOVE_TABLE),
		[MAP_lbd_rules] = MAPPED(struct lbd_rule, 2 * l->services, MOVE_COMMIT),
		[MAP_lbd_acl] = MAPPED(struct lbd_acl_entry, 2 * l->acl_entries, MOVE_COMMIT),
		/* Limits begin afresh, as after each change of one. */
		[MAP_lbd_sources] = MAPPED(struct lbd_source_bucket, l->source_buckets, MOVE_ANEW),
		[MAP_lbd_meters] = MAPPED(struct lbd_service_meter, l->services, MOVE_INDEX),
		[MAP_lbd_credits] = PER_CPU(struct lbd_credit, l->services, MOVE_ANEW),
		[MAP_lbd_drops] = MAPPED(struct lbd_drop, LBD_DROPS + 1, MOVE_INDEX),
		[MAP_lbd_drop_note] = PER_CPU(struct lbd_drop_note, 1, MOVE_ANEW),
		[MAP_lbd_outcomes] = PER_CPU(struct lbd_outcome_counters, 1, MOVE_SUM),
		[MAP_lbd_svc_stats] = PER_CPU(struct lbd_traffic, l->services, MOVE_SUM),
		[MAP_lbd_be_stats] = PER_CPU(struct lbd_traffic, l->backends, MOVE_SUM),
		[MAP_lbd_answers] = PER_CPU(struct lbd_answers, 1, MOVE_ANEW),
		[MAP_lbd_wanted] = MAPPED(struct lbd_addr, LBD_WANTED_MAX, MOVE_ANEW),
		[MAP_lbd_tx] = KERNEL(BPF_MAP_TYPE_DEVMAP, __u32, LBD_TX_MAX, MOVE_SHARED),
		[MAP_lbd_fragments] = KERNEL(BPF_MAP_TYPE_LRU_HASH, struct lbd_fragment,
			LBD_FRAGMENTS_MAX, MOVE_SHARED, .key_size = sizeof(struct lbd_fragment_key)),
		[MAP_lbd_quic] = KERNEL(BPF_MAP_TYPE_HASH, struct lbd_quic_value, ids, MOVE_COMMIT,
			.key_size = sizeof(struct lbd_quic_key), .flags = BPF_F_NO_PREALLOC),
		[MAP_lbd_xsks] = KERNEL(BPF_MAP_TYPE_XSKMAP, __u32, LBD_XSKS_MAX, MOVE_SHARED),
		[MAP_lbd_xsk_slots] = KERNEL(BPF_MAP_TYPE_HASH, __u32, LBD_XSK_INTERFACES, MOVE_SHARED,
			.later = true),
		/* No candidate is on trial while maps move. */
		[MAP_lbd_split] = KERNEL(BPF_MAP_TYPE_PROG_ARRAY, __u32, LBD_SPLIT_SLOTS, MOVE_SHARED,
			.later = true),
		[MAP_lbd_split_ctl] = KERNEL(BPF_MAP_TYPE_ARRAY, struct lbd_split_control, 1,
			MOVE_SHARED, .flags = BPF_F_MMAPABLE, .later = true),
		[MAP_lbd_split_cpu] = KERNEL(BPF_MAP_TYPE_PERCPU_ARRAY, struct lbd_split_seen, 1,
			MOVE_SHARED, .later = true),
		[MAP_lbd_outcomes2] = KERNEL(BPF_MAP_TYPE_PERCPU_ARRAY, struct lbd_outcome_counters, 1,
			MOVE_SUM, .later = true),
		[MAP_lbd_be_stats2] = KERNEL(BPF_MAP_TYPE_PERCPU_ARRAY, struct lbd_traffic, l->backends,
			MOVE_SUM, .later = true),
		[MAP_lbd_generations] = KERNEL(BPF_MAP_TYPE_PROG_ARRAY, __u32, LBD_GENERATIONS_SIZE,
			MOVE_SHARED),
	};
	/* clang-format on */

	memcpy(shapes, all, sizeof(all));
	for (int id = 0; id < MAP_COUNT; id++) {
		shapes[id].name = maps_name((enum map_id)id);
		if (!shapes[id].key_size)
			shapes[id].key_size = sizeof(__u32);
	}
}

uint64_t shapes_bytes(const struct map_shape *shape)
{
	const uint64_t value = (shape->value_size + 7) / 8 * 8;
	const int cpus = libbpf_num_possible_cpus();

	if (shape->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return value * shape->entries * (uint64_t)(cpus > 0 ? cpus : 1);
	/* Takes room as it fills. */
	if (shape->flags & BPF_F_NO_PREALLOC)
		return 0;
	return value * shape->entries;
}
