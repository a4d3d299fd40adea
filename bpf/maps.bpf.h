/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of the packet path. Layouts are in lbd/maps.h; sizes are set from
 * the config when the maps are made, so max_entries here is only a minimum.
 */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lbd/generation.h"
#include "lbd/guard.h"
#include "lbd/maps.h"

#define LBD_ARRAY(name, value_type, flags)        \
	struct {                                  \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(map_flags, flags);         \
		__uint(max_entries, 1);           \
		__type(key, __u32);               \
		__type(value, value_type);        \
	} name SEC(".maps")

#define LBD_PERCPU(name, value_type)                     \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);                  \
		__type(key, __u32);                      \
		__type(value, value_type);               \
	} name SEC(".maps")

/* ABI, sizes, and the word that says which half of the service tables is in force. */
LBD_ARRAY(lbd_control, struct lbd_control, BPF_F_MMAPABLE);

/* Two halves of vip_buckets each: address, port, protocol -> service id. */
LBD_ARRAY(lbd_vips, struct lbd_vip_bucket, BPF_F_MMAPABLE);

/* Two halves: service id -> its ring. Read only when a backend must be picked. */
LBD_ARRAY(lbd_services, struct lbd_service, BPF_F_MMAPABLE);

/* Two halves: backend index -> next hop and state. One line a packet. */
LBD_ARRAY(lbd_backends, struct lbd_backend, BPF_F_MMAPABLE);

/* Maglev rings, four backend indexes to a word. */
LBD_ARRAY(lbd_rings, lbd_ring_backend16_by_4, BPF_F_MMAPABLE);

/* The connection tables (lbd/conntable.h). */
LBD_ARRAY(lbd_conn4, struct lbd_bucket, BPF_F_MMAPABLE);
LBD_ARRAY(lbd_conn6, struct lbd_bucket6, BPF_F_MMAPABLE);

/* The return tables: the way back of a flow -> the flow (lbd/nat.h). */
LBD_ARRAY(lbd_nat4, lbd_return4_backend32_port16_nat16, BPF_F_MMAPABLE);
LBD_ARRAY(lbd_nat6, lbd_return6_tag32_port16_nat16, BPF_F_MMAPABLE);

/* Clients of services with sticky: masked source, service id -> their last backend. */
LBD_ARRAY(lbd_sticky, struct lbd_bucket6, BPF_F_MMAPABLE);

/* A bit per bucket: something in it should go to the peers. */
LBD_ARRAY(lbd_dirty4, __u64, BPF_F_MMAPABLE);
LBD_ARRAY(lbd_dirty6, __u64, BPF_F_MMAPABLE);

/* The guard (lbd/guard.h). Two halves: service id -> its lists and limits; all lists as a tree. */
LBD_ARRAY(lbd_rules, struct lbd_rule, BPF_F_MMAPABLE);
LBD_ARRAY(lbd_acl, struct lbd_acl_entry, BPF_F_MMAPABLE);

/* What sources and services have used up; the last also by CPU, in advance. */
LBD_ARRAY(lbd_sources, struct lbd_source_bucket, BPF_F_MMAPABLE);
LBD_ARRAY(lbd_meters, struct lbd_service_meter, BPF_F_MMAPABLE);
LBD_PERCPU(lbd_credits, struct lbd_credit);

/* Counters: what happened to packets, and what each service and backend was given. */
LBD_PERCPU(lbd_outcomes, struct lbd_outcome_counters);
LBD_PERCPU(lbd_svc_stats, struct lbd_traffic);
LBD_PERCPU(lbd_be_stats, struct lbd_traffic);

/* Where the first fragment of a datagram went. Rare packets: the kernel's table will do. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LBD_FRAGMENTS_MAX);
	__type(key, struct lbd_fragment_key);
	__type(value, struct lbd_fragment);
} lbd_fragments SEC(".maps");

/* Interfaces that the daemon takes fragments from: ifindex -> number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LBD_XSK_INTERFACES);
	__type(key, __u32);
	__type(value, __u32);
} lbd_xsk_slots SEC(".maps");

/* Where the daemon takes fragments that came before their first, by lbd_xsk_slot(). */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, LBD_XSKS_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lbd_xsks SEC(".maps");

/* Clients that no answer can be sent to yet: their neighbour entry is missing. */
LBD_ARRAY(lbd_wanted, struct lbd_addr, BPF_F_MMAPABLE);

/* Dropped packets that were kept: a ring, behind an entry that counts them; and the note. */
LBD_ARRAY(lbd_drops, struct lbd_drop, BPF_F_MMAPABLE);
LBD_PERCPU(lbd_drop_note, struct lbd_drop_note);

/* What is left of the rate of answers. */
LBD_PERCPU(lbd_answers, struct lbd_answers);

/* Devices that backends are reached through, other than the one a packet came from. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, LBD_TX_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lbd_tx SEC(".maps");

/* Server ids of QUIC-LB -> backend. Costs memory only as it fills. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct lbd_quic_key);
	__type(value, struct lbd_quic_value);
} lbd_quic SEC(".maps");

#endif
