/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * NAT: where a flow goes out from, and how its answers find back. One text for
 * the packet path and for user space.
 *
 * The address and port that a flow goes out from follow from the flow and the
 * number of an attempt, 1 to 7, which the flow's entry in the connection table
 * keeps (LBD_CONN_NAT). So the entry says all there is to know, a peer needs
 * nothing else, and a port is found without a scan: seven tries at most.
 *
 * An answer finds its flow in the return table: buckets like those of the
 * connection table (lbd/conntable.h), one candidate for each way back.
 *
 *   key    63             32 31          16 15           0
 *         | backend address | backend port | NAT port    |   IPv4
 *         | tag of it       | backend port | NAT port    |   IPv6
 *   value  the key of the flow in the connection table; IPv6 keeps the
 *          client's address beside it
 *
 * NAT address and protocol have no room in the key: each moves the way to
 * another bucket. So a key and its bucket together name one way back.
 *
 * A return entry counts for as long as the flow that it names has an entry
 * which leads back to it. Nothing else is ever removed: what became of a flow,
 * here or by a peer's word, is told by its own entry.
 */
#ifndef LBD_NAT_H
#define LBD_NAT_H

#include "lbd/conntable.h"

#define LBD_NAT_ADDRS_MAX 8 /* of a family */
#define LBD_NAT_ATTEMPTS 7

/* The words of these buckets, by their packing: see struct lbd_bucket. */
typedef struct lbd_bucket lbd_return4_backend32_port16_nat16;
typedef struct lbd_bucket6 lbd_return6_tag32_port16_nat16;

/* Where flows go out from. Ports are in host order. */
struct lbd_nat {
	__u32 first_port;
	__u32 ports;
	__u32 count[2]; /* addresses of IPv4, IPv6 */
	struct lbd_addr addrs[2][LBD_NAT_ADDRS_MAX];
};

/* What a flow goes out from: the index of an address, and a port. */
struct lbd_nat_source {
	__u32 address;
	__be16 port;
};

/* Of the flow, with the secret that the cluster shares: all nodes agree. */
LBD_INLINE __u64 lbd_nat_hash(const struct lbd_addr *client, __be16 client_port,
			      const struct lbd_addr *vip, __be16 vip_port, __u8 protocol,
			      const struct lbd_secret *secret)
{
	__u64 ports = (__u64)client_port << 32 | (__u32)vip_port << 8 | protocol;
	__u64 x = lbd_mix(client->halves[1] ^ secret->words[0]) ^ secret->words[1];

	return lbd_mix(x ^ client->halves[0]) + vip->halves[1] * 0x9e3779b97f4a7c15ULL + ports;
}

LBD_INLINE struct lbd_nat_source lbd_nat_source(const volatile struct lbd_nat *nat, __u64 hash,
						__u32 attempt, _Bool v6)
{
	__u64 x = lbd_mix(hash + attempt * 0xd1b54a32d192ed03ULL);
	__u32 port = nat->first_port + (__u32)((x & 0xffffffff) * nat->ports >> 32);
	struct lbd_nat_source source = {
		.address = (__u32)((x >> 32) * nat->count[v6] >> 32),
		.port = __builtin_bswap16((__u16)port),
	};

	return source;
}

/* The way back: a key, and the bucket that it stands in. */
struct lbd_nat_way {
	__u64 key;
	__u32 bucket;
};

/* The tag has 31 bits: no key is that of a claim. */
LBD_INLINE __u64 lbd_nat_key(const struct lbd_addr *backend, __be16 backend_port, __be16 nat_port,
			     _Bool v6)
{
	__u64 address = v6 ? lbd_mix(backend->halves[0] ^ lbd_mix(backend->halves[1])) >> 33
			   : backend->words[3];

	return address << 32 | (__u64)backend_port << 16 | nat_port;
}

/* An odd step: up to 32 ways with one key are in as many buckets of 64 or more. */
#define LBD_NAT_STEP 0x9e3779b1U

LBD_INLINE struct lbd_nat_way lbd_nat_way(const struct lbd_addr *backend, __be16 backend_port,
					  const struct lbd_nat_source *source, _Bool udp,
					  const struct lbd_secret *secret, __u32 buckets, _Bool v6)
{
	struct lbd_nat_way way = {
		.key = lbd_nat_key(backend, backend_port, source->port, v6),
	};
	__u64 x = lbd_mix(lbd_mix(way.key ^ secret->words[0]) ^ secret->words[1]);

	way.bucket =
		((__u32)(x >> 32) + (source->address * 2 + udp) * LBD_NAT_STEP) & (buckets - 1);
	return way;
}

/* Where @key stands in the bucket, LBD_BUCKET_SLOTS if nowhere. */
LBD_INLINE __u32 lbd_nat_find(const struct lbd_bucket *bucket, __u64 key)
{
#pragma GCC unroll 4
	for (__u32 i = 0; i < LBD_BUCKET_SLOTS; i++)
		if (LBD_READ_ONCE(bucket->key[i]) == key)
			return i;
	return LBD_BUCKET_SLOTS;
}

/* Slots that a way may be entered in: so many, from the first on, and round. */
struct lbd_nat_room {
	__u32 first;
	__u32 count;
};

/*
 * Where to enter @key: in its own slot, else in a free one. A bucket that once
 * was full has no free ones any more, only ways that nobody uses: then in any
 * whose owner lets it go. All are asked, the one that @chance says first.
 */
LBD_INLINE struct lbd_nat_room lbd_nat_room(const struct lbd_bucket *bucket, __u64 key,
					    __u32 chance)
{
	struct lbd_nat_room room = { .first = lbd_nat_find(bucket, key), .count = 1 };

	if (room.first >= LBD_BUCKET_SLOTS)
		room.first = lbd_nat_find(bucket, LBD_KEY_EMPTY);
	if (room.first >= LBD_BUCKET_SLOTS) {
		room.first = chance % LBD_BUCKET_SLOTS;
		room.count = LBD_BUCKET_SLOTS;
	}
	return room;
}

/*
 * Two writers may have entered the same way at once. Each looks after it
 * published @slot, and the later slot goes. False: that was @slot.
 */
LBD_INLINE _Bool lbd_nat_settle(struct lbd_bucket *bucket, __u32 slot, __u64 key)
{
	_Bool ours = 1;

#pragma GCC unroll 4
	for (__u32 i = 0; i < LBD_BUCKET_SLOTS; i++) {
		if (i == slot || LBD_READ_ONCE(bucket->key[i]) != key)
			continue;
		ours &= slot < i;
		LBD_CAS(&bucket->key[slot < i ? i : slot], key, LBD_KEY_EMPTY);
	}
	return ours;
}

#endif
