/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * The guard before the connection table: which lists an address is on, and how
 * much a source or a service may still send. The same text compiles for the
 * packet path and for user space.
 *
 * Lists. All lists together are one search tree over disjoint ranges; an
 * address is looked up once and the answer has a bit for each list that
 * contains it. A place of the tree is one of
 *
 *   a node   first = its slots, key = where they begin, each 2^shift wide; an
 *            address before them takes the first slot, one behind the last
 *   a cut    key, and what holds before it (first) and from it on (second)
 *
 * A node has about as many slots as there are cuts below it, so the tree is
 * two or three deep whatever the number of prefixes. Addresses are the upper
 * 64 bits; IPv4 stands in the highest 32. Where an IPv6 prefix is longer than
 * 64 bits, the answer points to a tree over the lower 64 (LBD_ACL_LOWER).
 *
 * Limits. A meter is a word: the time until which all that was let through is
 * paid for. Each packet puts it off by its cost; while it is less than the
 * burst ahead of the clock, packets pass. That is a token bucket that needs no
 * refill and no lock (GCRA, ITU-T I.371).
 */
#ifndef LBD_GUARD_H
#define LBD_GUARD_H

#include "lbd/conntable.h"
#include "lbd/types.h"

#define LBD_LISTS_MAX 24
#define LBD_ACL_LISTS ((1U << LBD_LISTS_MAX) - 1)
#define LBD_ACL_LOWER (1U << 24) /* in an answer: the rest is a place of the tree */
#define LBD_ACL_INDEX (LBD_ACL_LOWER - 1)

struct lbd_acl_entry {
	__u64 key;
	__u32 first;
	__u32 second; /* of a node: LBD_ACL_NODE, shift, number of slots */
};

_Static_assert(sizeof(struct lbd_acl_entry) == 16, "four places a cache line");

#define LBD_ACL_NODE (1U << 31)
#define LBD_ACL_SHIFT 25
#define LBD_ACL_SLOTS ((1U << LBD_ACL_SHIFT) - 1)

/* Where the trees begin. */
#define LBD_ACL_ROOT4 0
#define LBD_ACL_ROOT6 1

/* Places read at most for one address: the builder makes no deeper tree. */
#define LBD_ACL_DEPTH 24

/* Places per prefix of limits.prefixes, in each half. */
#define LBD_ACL_ROOM 5

struct lbd_acl_walk {
	__u64 key, low;
	__u32 at; /* place to be read next */
	__u32 lists;
};

/* Follow @entry. True: walk->lists is the answer; else read walk->at. */
LBD_INLINE _Bool lbd_acl_step(struct lbd_acl_walk *walk, const struct lbd_acl_entry *entry)
{
	const __u32 second = entry->second;
	__u64 slot;
	__u32 answer;

	if (second & LBD_ACL_NODE) {
		slot = walk->key < entry->key
			       ? 0
			       : (walk->key - entry->key) >> (second >> LBD_ACL_SHIFT & 63);
		if (slot >= (second & LBD_ACL_SLOTS))
			slot = (second & LBD_ACL_SLOTS) - 1;
		walk->at = entry->first + (__u32)slot;
		return 0;
	}
	answer = walk->key < entry->key ? entry->first : second;
	if (!(answer & LBD_ACL_LOWER)) {
		walk->lists = answer;
		return 1;
	}
	walk->at = answer & LBD_ACL_INDEX;
	walk->key = walk->low;
	return 0;
}

/* What a meter is asked for. A TCP connection asks as SYN, and as ENTRY when it gets one. */
enum lbd_ask {
	LBD_ASK_PACKET,
	LBD_ASK_SYN,
	LBD_ASK_ENTRY,
	LBD_ASKS,
};

/* Time of meters: jiffies, and this many bits of parts of one. */
#define LBD_METER_SHIFT 24

struct lbd_rate {
	__u64 cost;  /* of one; 0: no limit */
	__u64 burst; /* how far ahead of the clock a meter may be */
};

/* May one more pass? @at: what the meter holds. */
LBD_INLINE _Bool lbd_rate_allows(const struct lbd_rate *rate, __u64 at, __u64 now)
{
	return (__s64)(at - now) <= (__s64)rate->burst;
}

/* Whose limit. */
enum lbd_scope {
	LBD_SCOPE_SOURCE,	  /* a source, over all services */
	LBD_SCOPE_SERVICE_SOURCE, /* a source at one service */
	LBD_SCOPE_SERVICE,	  /* a service, from everywhere */
	LBD_SCOPES,
};

enum lbd_rate_kind {
	LBD_RATE_PACKETS,
	LBD_RATE_NEW,
	LBD_RATES,
};

/* What holds for the packets of one service, the global part included. Of service 0: that part. */
struct lbd_rule {
	__u32 deny;		/* lists: on any of them, and it is dropped */
	__u32 allow;		/* lists: if any, on one of them, or it is dropped */
	__u32 batch[LBD_RATES]; /* of the service's allowance, taken by a CPU at once */
	__u64 source4, source6; /* bits of the upper half that make up a source */
	struct lbd_rate rate[LBD_SCOPES][LBD_RATES];
};

_Static_assert(sizeof(struct lbd_rule) == 128, "a rule is two cache lines");

/* The meters of a source prefix, or of one at a service. */
struct lbd_source {
	__u64 key; /* keyed hash of prefix and service; 0: free */
	__u64 meter[LBD_ASKS];
};

#define LBD_SOURCE_SLOTS 2

struct lbd_source_bucket {
	struct lbd_source slot[LBD_SOURCE_SLOTS];
};

_Static_assert(sizeof(struct lbd_source_bucket) == 64, "two sources a cache line");

/* @upper: of the address, cut to the prefix. @service: 0 for all of them. */
LBD_INLINE __u64 lbd_source_key(__u64 upper, __u32 service, _Bool v6,
				const struct lbd_secret *secret)
{
	__u64 x = lbd_mix(upper ^ secret->words[0]);

	return lbd_mix(x ^ secret->words[1] ^ ((__u64)service << 1 | v6)) | 1;
}

/* The meters of a service, on a line of their own: all CPUs write them. */
struct lbd_service_meter {
	__u64 meter[LBD_ASKS];
	__u64 reserved[5];
};

/* What this CPU has taken of a service's allowance and not yet given. */
struct lbd_credit {
	__u32 left[LBD_ASKS];
	__u32 reserved;
};

#endif
