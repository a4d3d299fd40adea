/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maglev: the flow's hash to a place of the service's ring. The hash is keyed
 * with a secret that the cluster shares and uses nothing local, so every node
 * picks the same backend.
 */
#ifndef PICK_BPF_H
#define PICK_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/sticky.bpf.h"

LBD_INLINE __u32 pick_mix(const struct lbd_addr *client, __u64 ports)
{
	__u64 x = lbd_mix(client->halves[1] ^ lbd_config.pick_secret.words[0]);

	x = lbd_mix(x ^ client->halves[0] ^ lbd_config.pick_secret.words[1]);
	return (__u32)(lbd_mix(x + ports) >> 16);
}

LBD_INLINE __be64 pick_mask(int bits)
{
	if (bits <= 0)
		return 0;
	return bits < 64 ? bpf_cpu_to_be64(~0ULL << (64 - bits)) : ~0ULL;
}

/* As much of the client's address as the service looks at. */
LBD_INLINE struct lbd_addr pick_client(const struct packet *packet,
				       const struct lbd_service *service)
{
	struct lbd_addr client = packet->client;

	client.halves[0] &= pick_mask(service->prefix);
	client.halves[1] &= pick_mask(service->prefix - 64);
	return client;
}

LBD_INLINE __u32 pick_hash(const struct packet *packet, const struct lbd_service *service)
{
	__u32 server = (__u32)packet->vip_port << 8 | packet->protocol;
	__u64 all = (__u64)packet->client_port << 32 | server;
	struct lbd_addr client;

	if (!config_has(LBD_FEATURE_HASH) || service->hash == LBD_HASH_5_TUPLE)
		return pick_mix(&packet->client, all);
	client = pick_client(packet, service);
	return pick_mix(&client, service->hash == LBD_HASH_PORT ? server : 0);
}

LBD_INLINE __u16 pick_ring(__u32 ring, __u32 hash)
{
	__u32 size = lbd_config.limits.ring_size;
	__u32 place = (__u32)((__u64)hash * size >> 32);
	__u32 word = ring * lbd_ring_words(size) + place / LBD_RING_PACK;
	const __u64 *packed = bpf_map_lookup_elem(&lbd_rings, &word);

	return packed ? (__u16)(*packed >> place % LBD_RING_PACK * 16) : 0;
}

LBD_INLINE const struct lbd_service *pick_service(__u32 half, __u16 id)
{
	__u32 index = half * lbd_config.limits.services + id;

	return bpf_map_lookup_elem(&lbd_services, &index);
}

/*
 * Index of the backend for a flow that has none; 0: the service has no usable
 * backend. *ret_sticky: it is the one that this client had before.
 */
LBD_INLINE __u16 pick_sticky(const struct packet *packet, enum sticky_may may, _Bool *ret_sticky)
{
	const struct lbd_service *service = pick_service(packet->half, packet->service);
	struct lbd_addr client;
	__u32 picked;

	*ret_sticky = 0;
	if (!service || !service->usable)
		return 0;
	picked = pick_ring(service->ring, pick_hash(packet, service));
	if (!config_has(LBD_FEATURE_STICKY) || !service->sticky)
		return picked;
	client = pick_client(packet, service);
	picked = sticky_pick(client.halves[0], client.halves[1],
			     packet->half << 16 | packet->service, picked, may);
	*ret_sticky = picked >> 16;
	return picked;
}

/* The same, for a packet of the client: all but a SYN make it known. */
LBD_INLINE __u16 pick_backend(const struct packet *packet, _Bool *ret_sticky)
{
	return pick_sticky(packet, packet->syn ? STICKY_REFRESH : STICKY_ENTER, ret_sticky);
}

#endif
