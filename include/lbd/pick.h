/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flow's place in its service's ring: the same text for the packet path and
 * for user space, which asks what another node would choose. The hash is keyed
 * with a secret that the cluster shares and uses nothing local.
 */
#ifndef LBD_PICK_H
#define LBD_PICK_H

#include "lbd/conntable.h"
#include "lbd/maps.h"

/* The packet path's secret is in its .rodata, which is volatile to the compiler. */
LBD_INLINE __u32 lbd_pick_mix(const struct lbd_addr *client, __u64 ports,
			      const volatile struct lbd_secret *secret)
{
	__u64 x = lbd_mix(client->halves[1] ^ secret->words[0]);

	x = lbd_mix(x ^ client->halves[0] ^ secret->words[1]);
	return (__u32)(lbd_mix(x + ports) >> 16);
}

LBD_INLINE __u64 lbd_pick_be64(__u64 x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(x);
#else
	return x;
#endif
}

/* The first @bits bits of eight bytes, in network order. */
LBD_INLINE __u64 lbd_pick_mask(int bits)
{
	if (bits <= 0)
		return 0;
	return bits < 64 ? lbd_pick_be64(~0ULL << (64 - bits)) : ~0ULL;
}

/* The service's side of a flow, as the hash takes it; the client's port goes above. */
LBD_INLINE __u32 lbd_pick_server(__be16 vip_port, __u8 protocol)
{
	return (__u32)vip_port << 8 | protocol;
}

LBD_INLINE __u64 lbd_pick_all(__be16 client_port, __u32 server)
{
	return (__u64)client_port << 32 | server;
}

LBD_INLINE __u32 lbd_pick_place(__u32 hash, __u32 ring_size)
{
	return (__u32)((__u64)hash * ring_size >> 32);
}

/* Of the ring's words, the one with @place in it, and the backend there. */
LBD_INLINE __u32 lbd_pick_word(__u32 ring, __u32 place, __u32 ring_size)
{
	return ring * lbd_ring_words(ring_size) + place / LBD_RING_PACK;
}

LBD_INLINE __u16 lbd_pick_unpack(__u64 word, __u32 place)
{
	return (__u16)(word >> place % LBD_RING_PACK * 16);
}

#endif
