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

/* The salt of the half that the packet stays in. */
LBD_INLINE __u32 vip_salt(const struct packet *packet)
{
	const struct lbd_control *control;
	__u32 zero = 0;

	control = bpf_map_lookup_elem(&lbd_control, &zero);
	return control ? control->vip_salt[packet->half & 1] : 0;
}

LBD_INLINE _Bool vip_match(const struct lbd_vip *slot, const struct lbd_addr *addr, __be16 port,
			   __u8 protocol)
{
	return slot->addr.halves[1] == addr->halves[1] && slot->addr.halves[0] == addr->halves[0] &&
	       slot->port == port && slot->protocol == protocol && slot->used;
}

LBD_INLINE const struct lbd_vip *vip_lookup(const struct packet *packet, __u32 salt,
					    const struct lbd_addr *addr, __be16 port, __u8 protocol)
{
	__u32 buckets = lbd_config.limits.vip_buckets;
	__u32 index = packet->half * buckets + lbd_vip_hash(addr, port, protocol, salt, buckets);
	const struct lbd_vip_bucket *bucket = bpf_map_lookup_elem(&lbd_vips, &index);

	if (!bucket)
		return NULL;
#pragma unroll
	for (int i = 0; i < LBD_VIP_BUCKET_SLOTS; i++)
		if (vip_match(&bucket->slot[i], addr, port, protocol))
			return &bucket->slot[i];
	return NULL;
}

/* Is @addr served at all, at whatever port? */
LBD_INLINE _Bool vip_is_one(const struct packet *packet, __u32 salt, const struct lbd_addr *addr)
{
	return vip_lookup(packet, salt, addr, 0, 0);
}

/* A packet that shows no ports, or must not get to a service: dropped if its address is a VIP. */
LBD_INLINE int vip_refuse(const struct packet *packet, __u32 salt, int outcome)
{
	if (!vip_is_one(packet, salt, &packet->vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	return packet->ours ? outcome : LBD_OUTCOME_PASS_OTHER_HOST;
}

/* The service of the packet's destination, in the half that it has. */
LBD_INLINE int vip_service(struct packet *packet, __u32 salt)
{
	const struct lbd_vip *vip;

	vip = vip_lookup(packet, salt, &packet->vip, packet->vip_port, packet->protocol);
	if (!vip && config_has(LBD_FEATURE_ANY_PORT))
		vip = vip_lookup(packet, salt, &packet->vip, 0, packet->protocol);
	if (!vip)
		return LBD_OUTCOME_PASS_NO_SERVICE;
	packet->service = vip->service;
	return PACKET_GO_ON;
}

LBD_INLINE int vip_find(struct packet *packet)
{
	__u32 salt = vip_snapshot(packet);

	if (packet->problem != PACKET_GO_ON)
		return vip_refuse(packet, salt, packet->problem);
	if (packet->fragment)
		return vip_refuse(packet, salt, LBD_OUTCOME_DROP_FRAGMENT);
	return vip_service(packet, salt);
}

#endif
