/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Destination address, port and protocol to the service. The table is a hash
 * of four-slot buckets; user space picks a salt with which every VIP fits its
 * bucket, so one or two cache lines are read and there is no probing.
 */
#ifndef VIP_BPF_H
#define VIP_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"

/* Read which half of the service tables is in force; the packet stays in it. */
LBD_INLINE __u32 vip_snapshot(struct packet *packet)
{
	struct lbd_control *control;
	__u32 zero = 0;

	control = bpf_map_lookup_elem(&lbd_control, &zero);
	if (!control)
		return 0;
	packet->half = LBD_READ_ONCE(control->active) & 1;
	return control->vip_salt[packet->half];
}

LBD_INLINE _Bool vip_match(const struct lbd_vip *slot, const struct lbd_addr *addr, __be16 port,
			   __u8 protocol)
{
	return slot->addr.halves[1] == addr->halves[1] && slot->addr.halves[0] == addr->halves[0] &&
	       slot->port == port && slot->protocol == protocol && slot->used;
}

LBD_INLINE const struct lbd_vip *vip_lookup(const struct packet *packet, __u32 salt, __be16 port,
					    __u8 protocol)
{
	__u32 buckets = lbd_config.limits.vip_buckets;
	__u32 index =
		packet->half * buckets + lbd_vip_hash(&packet->vip, port, protocol, salt, buckets);
	const struct lbd_vip_bucket *bucket = bpf_map_lookup_elem(&lbd_vips, &index);

	if (!bucket)
		return NULL;
#pragma unroll
	for (int i = 0; i < LBD_VIP_BUCKET_SLOTS; i++)
		if (vip_match(&bucket->slot[i], &packet->vip, port, protocol))
			return &bucket->slot[i];
	return NULL;
}

/* A fragment without ports: ours if its address is a VIP. */
LBD_INLINE int vip_fragment(const struct packet *packet, __u32 salt)
{
	return vip_lookup(packet, salt, 0, 0) ? LBD_OUTCOME_DROP_FRAGMENT
					      : LBD_OUTCOME_PASS_NO_SERVICE;
}

LBD_INLINE int vip_find(struct packet *packet)
{
	__u32 salt = vip_snapshot(packet);
	const struct lbd_vip *vip;

	if (packet->fragment)
		return vip_fragment(packet, salt);
	vip = vip_lookup(packet, salt, packet->vip_port, packet->protocol);
	if (!vip && config_has(LBD_FEATURE_ANY_PORT))
		vip = vip_lookup(packet, salt, 0, packet->protocol);
	if (!vip)
		return LBD_OUTCOME_PASS_NO_SERVICE;
	packet->service = vip->service;
	return PACKET_GO_ON;
}

#endif
