/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stickiness: which backend a client's last connection went to. The table is
 * one more of lbd/conntable.h, its "flows" being clients: masked source and
 * service id, without ports. Only new flows come here.
 *
 * A SYN reads, and enters nothing: whoever pretends to be many clients would
 * fill the table. An entry that a second connection has used is CONFIRMED, and
 * displaced after all that aren't. Two connections that a new client opens at
 * once agree without an entry, since Maglev then goes by the same source.
 *
 * Entries hold no id: a backend's index may go to another one of the service
 * while a client is remembered with it. That one is as good as any.
 */
#ifndef STICKY_BPF_H
#define STICKY_BPF_H

#include "bpf/clock.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"

struct sticky {
	struct lbd_flow client;
	struct lbd_pair pair;
	__u32 half;
	__u32 now;
	__u64 *word; /* of the entry, if found */
	__u64 value;
};

/* What a packet may do to the table: more and more. */
enum sticky_may {
	STICKY_READ,
	STICKY_REFRESH, /* the client's entry, if there is one */
	STICKY_ENTER,
};

LBD_INLINE const struct lbd_backend *sticky_backend(const struct sticky *sticky, __u16 backend)
{
	__u32 index = sticky->half * lbd_config.limits.backends + backend;

	return bpf_map_lookup_elem(&lbd_backends, &index);
}

LBD_INLINE _Bool sticky_load(struct sticky *sticky, int which, __u64 hash)
{
	__u32 index = lbd_flow_bucket(hash, which, lbd_config.limits.sticky_buckets - 1);
	struct lbd_bucket6 *both = bpf_map_lookup_elem(&lbd_sticky, &index);

	if (!both)
		return 0;
	sticky->pair.bucket[which] = &both->line;
	sticky->pair.client[which] = both->client;
	return 1;
}

LBD_INLINE void sticky_find(struct sticky *sticky, int which)
{
	struct lbd_bucket *bucket = sticky->pair.bucket[which];
	__u32 slot = lbd_bucket_find(bucket, sticky->pair.client[which], &sticky->client,
				     &sticky->value);

	if (slot < LBD_BUCKET_SLOTS)
		sticky->word = &bucket->value[slot];
}

/*
 * Would @backend be given new flows? As Maglev: it is up and reachable, and
 * one for fallback only when Maglev @picked such a one.
 */
LBD_INLINE _Bool sticky_takes(const struct sticky *sticky, __u16 service, __u16 picked)
{
	const struct lbd_backend *had = sticky_backend(sticky, lbd_value_backend(sticky->value));
	const struct lbd_backend *other = sticky_backend(sticky, picked);

	return had && other && had->service == service && had->state == LBD_BACKEND_UP &&
	       had->weight && had->ifindex && !((had->down ^ other->down) & LBD_BACKEND_FALLBACK);
}

LBD_INLINE void sticky_enter(const struct sticky *sticky, __u16 picked)
{
	/* Nothing expires: each service has its own time, and the oldest goes first. */
	const struct lbd_timeouts never = { LBD_TICK_MASK, LBD_TICK_MASK, LBD_TICK_MASK,
					    LBD_TICK_MASK, 0 };

	lbd_pair_insert(&sticky->pair, &sticky->client, lbd_value_make(picked, 0, 0, sticky->now),
			sticky->now, &never, LBD_KEY_CLAIMED_BPF);
}

/* The client goes on with the backend it had, or with @picked from now on. */
LBD_INLINE __u32 sticky_follow(const struct sticky *sticky, const struct lbd_service *service,
			       __u16 id, __u16 picked, enum sticky_may may)
{
	const _Bool late = lbd_value_idle(sticky->value, sticky->now) > service->sticky;
	const _Bool stays = !late && sticky_takes(sticky, id, picked);
	const __u16 backend = stays ? lbd_value_backend(sticky->value) : picked;
	const __u64 value = lbd_value_make(backend, 0, LBD_CONN_CONFIRMED, sticky->now);

	if (may >= STICKY_REFRESH && config_writes() && value != sticky->value)
		LBD_CAS(sticky->word, sticky->value, value);
	return backend | (__u32)stays << 16;
}

/*
 * The backend for a new flow of the client with these @halves; @picked is what
 * Maglev says, @place the half of the service tables and the service's id, @may
 * an enum sticky_may. Bit 16 of the answer: it is the backend that the client had.
 */
__attribute__((noinline)) int sticky_pick(__u64 first, __u64 second, __u32 place, __u32 picked,
					  int may)
{
	const struct lbd_secret secret = { { lbd_config.conn_secret.words[0],
					     lbd_config.conn_secret.words[1] } };
	const struct lbd_addr client = { .halves = { first, second } };
	struct sticky sticky = { .half = place >> 16 & 1 };
	const struct lbd_service *service;
	__u16 id = place;
	__u64 hash;
	__u32 index = sticky.half * lbd_config.limits.services + id;

	service = bpf_map_lookup_elem(&lbd_services, &index);
	sticky.client = lbd_flow6(&client, 0, id, 0);
	sticky.now = clock_tick();
	hash = lbd_flow_hash(&sticky.client, 1, &secret);
	if (!service || !sticky_load(&sticky, 0, hash) || !sticky_load(&sticky, 1, hash))
		return picked;
	sticky_find(&sticky, 0);
	if (!sticky.word)
		sticky_find(&sticky, 1);
	if (sticky.word)
		return sticky_follow(&sticky, service, id, picked, may);
	if (may >= STICKY_ENTER && config_writes())
		sticky_enter(&sticky, picked);
	return picked;
}

#endif
