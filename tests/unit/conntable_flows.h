/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * The flows of the race on the connection table, the same for the BPF program
 * and for user space: everything about a flow follows from its number, so that
 * a value that stands under a wrong key shows.
 */
#ifndef CONNTABLE_FLOWS_H
#define CONNTABLE_FLOWS_H

#include "lbd/conntable.h"

#define FLOWS_MAX 2048U	  /* of each family */
#define BUCKETS_MAX 1024U /* of each table: room for all of them and more */
#define NOW 5000U	  /* all ages count from here */

static const struct lbd_secret flows_secret = { { 0x1122334455667788ULL, 0x99aabbccddeeff00ULL } };
static const struct lbd_timeouts flows_timeouts = { 1000, 500, 200, 100, 0 };

/* One party of the race: what it is told and what it has seen. */
struct flows_party {
	__u64 dice;	      /* state of its random numbers */
	__u32 flows, buckets; /* to use of both families; powers of two */
	__u64 inserted, found, wrong;
};

LBD_INLINE __u32 flows_dice(__u64 *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return (__u32)(lbd_mix(lbd_mix(*state)) >> 16);
}

/*
 * Clients of the flows 2n and 2n + 1 have the same tag: the upper half makes
 * up for the lower one, wherever that leads. They also share port and service,
 * and so the key.
 */
LBD_INLINE struct lbd_addr flows_client6(__u32 n)
{
	const __u64 base = 0xb80d0120ULL | (__u64)(n / 2) << 32; /* 2001:db8:: on */
	struct lbd_addr client = { .halves = { base, 0 } };

	if (n % 2) {
		client.halves[0] = base ^ lbd_mix(0) ^ lbd_mix(n);
		client.halves[1] = n;
	}
	return client;
}

/*
 * Nearly all flows go to one port, so that a value under a wrong key isn't told
 * by its port. The IPv4 flows 8n and 8n + 1 are one client's to two ports of a
 * service with port any: they share the key.
 */
LBD_INLINE struct lbd_flow flows_flow(__u32 n, _Bool v6)
{
	struct lbd_addr client = flows_client6(n);
	__u32 m = n % 8 == 1 ? n - 1 : n;

	if (v6)
		return lbd_flow6(&client, (__be16)(7000 + n / 2), (__u16)(1 + n / 2 % 5), 0xbb01);
	return lbd_flow4(0x000012c6 + (m << 16), (__be16)(m * 3), (__u16)(1 + m % 5),
			 m == n ? 0xbb01 : 0x5000);
}

LBD_INLINE __u16 flows_backend(__u32 n)
{
	return (__u16)(n * 97 + 1);
}

/* Ages vary from live to expired, flags from unconfirmed to closing. */
LBD_INLINE __u64 flows_value(const struct lbd_flow *flow, __u32 n, __u32 dice)
{
	__u64 flags = (__u64)(dice & 3) << 32 & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING);

	return lbd_value_make(flows_backend(n), flow->dport, flags, NOW - (dice >> 2) % 1500);
}

#endif
