/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maglev: the flow's hash to a place of the service's ring. The hash is keyed
 * with a secret that the cluster shares and uses nothing local, so every node
 * picks the same backend.
 */
#ifndef PICK_BPF_H
#define PICK_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"

LBD_INLINE __u32 pick_hash(const struct packet *packet)
{
	__u64 ports =
		(__u64)packet->client_port << 32 | (__u32)packet->vip_port << 8 | packet->protocol;
	__u64 x = lbd_mix(packet->client.halves[1] ^ lbd_config.pick_secret.words[0]);

	x = lbd_mix(x ^ packet->client.halves[0] ^ lbd_config.pick_secret.words[1]);
	return (__u32)(lbd_mix(x + ports) >> 16);
}

LBD_INLINE __u16 pick_ring(__u32 ring, __u32 hash)
{
	__u32 size = lbd_config.limits.ring_size;
	__u32 place = (__u32)((__u64)hash * size >> 32);
	__u32 word = ring * lbd_ring_words(size) + place / LBD_RING_PACK;
	const __u64 *packed = bpf_map_lookup_elem(&lbd_rings, &word);

	return packed ? (__u16)(*packed >> place % LBD_RING_PACK * 16) : 0;
}

/* Index of the backend for a flow that has none; 0: the service has no usable backend. */
LBD_INLINE __u16 pick_backend(const struct packet *packet)
{
	__u32 index = packet->half * lbd_config.limits.services + packet->service;
	const struct lbd_service *service = bpf_map_lookup_elem(&lbd_services, &index);

	if (!service || !service->usable)
		return 0;
	return pick_ring(service->ring, pick_hash(packet));
}

#endif
