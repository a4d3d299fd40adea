/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maglev: the flow's hash (lbd/pick.h) to a place of the service's ring. Every
 * node picks the same backend.
 */
#ifndef PICK_BPF_H
#define PICK_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/sticky.bpf.h"
#include "lbd/pick.h"

LBD_INLINE __u32 pick_mix(const struct lbd_addr *client, __u64 ports)
{
	return lbd_pick_mix(client, ports, &lbd_config.pick_secret);
}

/* As much of the client's address as the service looks at. */
LBD_INLINE struct lbd_addr pick_client(const struct lbd_addr *whole,
				       const struct lbd_service *service)
{
	struct lbd_addr client = *whole;

	client.halves[0] &= lbd_pick_mask(service->prefix);
	client.halves[1] &= lbd_pick_mask(service->prefix - 64);
	return client;
}

/* @ports: of the client, and, in the lower half, of the VIP with the protocol. */
LBD_INLINE __u32 pick_hash(const struct lbd_addr *whole, __u64 ports,
			   const struct lbd_service *service)
{
	struct lbd_addr client;

	if (!config_has(LBD_FEATURE_HASH) || service->hash == LBD_HASH_5_TUPLE)
		return pick_mix(whole, ports);
	client = pick_client(whole, service);
	return pick_mix(&client, service->hash == LBD_HASH_PORT ? (__u32)ports : 0);
}

LBD_INLINE __u16 pick_ring(__u32 ring, __u32 hash)
{
	__u32 size = lbd_config.limits.ring_size;
	__u32 place = lbd_pick_place(hash, size);
	__u32 word = lbd_pick_word(ring, place, size);
	const __u64 *packed = bpf_map_lookup_elem(&lbd_rings, &word);

	return packed ? lbd_pick_unpack(*packed, place) : 0;
}

LBD_INLINE const struct lbd_service *pick_service(__u32 half, __u16 id)
{
	__u32 index = half * lbd_config.limits.services + id;

	return bpf_map_lookup_elem(&lbd_services, &index);
}

/*
 * The backend for a flow of the client with these halves; @ports as pick_hash()
 * has them, @place the half of the service tables and the service's id, @may an
 * enum sticky_may. 0: the service has no usable backend; bit 16: it is the one
 * that this client had before. Called, not inlined, as many ways lead here.
 */
__attribute__((noinline)) int pick_flow(__u64 first, __u64 second, __u64 ports, __u32 place,
					int may)
{
	const struct lbd_service *service = pick_service(place >> 16 & 1, (__u16)place);
	const struct lbd_addr whole = { .halves = { first, second } };
	struct lbd_addr client;
	__u32 picked;

	if (!service || !service->usable)
		return 0;
	picked = pick_ring(service->ring, pick_hash(&whole, ports, service));
	if (!config_has(LBD_FEATURE_STICKY) || !service->sticky)
		return (int)picked;
	client = pick_client(&whole, service);
	return sticky_pick(client.halves[0], client.halves[1], place, picked, may);
}

/* The same for the packet's flow. *ret_sticky: it is the backend that this client had before. */
LBD_INLINE __u16 pick_sticky(const struct packet *packet, enum sticky_may may, _Bool *ret_sticky)
{
	const __u32 server = lbd_pick_server(packet->vip_port, packet->protocol);
	const __u64 ports = lbd_pick_all(packet->client_port, server);
	const __u32 picked =
		(__u32)pick_flow(packet->client.halves[0], packet->client.halves[1], ports,
				 packet->half << 16 | packet->service, (int)may);

	*ret_sticky = picked >> 16 & 1;
	return picked;
}

/* The same, for a packet of the client: all but a SYN make it known. */
LBD_INLINE __u16 pick_backend(const struct packet *packet, _Bool *ret_sticky)
{
	return pick_sticky(packet, packet->syn ? STICKY_REFRESH : STICKY_ENTER, ret_sticky);
}

#endif
