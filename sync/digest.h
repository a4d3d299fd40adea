/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a table adds up to, so that two nodes can compare theirs (PROTOCOL.md,
 * Digests). Pure: numbers in, numbers out.
 *
 *   service, backend: hash of what they are  --+
 *   identity: service, client, ports           +--> hash of an entry, keyed by the sender's boot
 *   region: upper 12 bits of the identity      |
 *   NAT attempt  ------------------------------+
 *
 * Sums are by XOR: they know neither order nor slot. So a difference of two sums
 * is the sum of the entries that only one of them has; whether it is made of
 * given entries is a question of linear algebra over bits, which struct
 * digest_span answers.
 */
#ifndef SYNC_DIGEST_H
#define SYNC_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables.h"
#include "sync/dictionary.h"
#include "sync/wire.h"

/*
 * Hashes of what our ids mean; 0 for an id that means nothing. Entries of such
 * aren't told, so they don't count either.
 */
struct digest_identities {
	uint64_t services[DICTIONARY_IDS];
	uint64_t backends[DICTIONARY_IDS];
};

void digest_learn(struct digest_identities *identities, const struct dictionary *dictionary);

/* The identity of a connection, 0 if its service or backend means nothing. */
uint64_t digest_identity(const struct digest_identities *identities,
			 const struct table_entry *entry);

/* What an entry adds to the sum of its region; @key is the boot of who sends the digest. */
uint64_t digest_hash(const struct digest_identities *identities, const struct table_entry *entry,
		     uint64_t identity, uint64_t key);

static inline uint32_t digest_region(uint64_t identity)
{
	return (uint32_t)(identity >> 52);
}

_Static_assert(WIRE_REGIONS == 1U << 12, "a region is 12 bits of the identity");

/* The idle time in ticks from which on an entry of this service and these flags doesn't count. */
uint32_t digest_limit(const struct tables *tables, uint16_t service, uint64_t flags);

/* Does it count by its flags? Its age is another matter. */
static inline bool digest_is_established(uint64_t flags)
{
	return (flags & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING)) == LBD_CONN_CONFIRMED;
}

/* Beyond that many a chance sum would be too likely: 2^-24 of all differences are in the span. */
#define DIGEST_RANK_MAX 40

/* All sums that some hashes can make: a basis whose rows have different leading bits. */
struct digest_span {
	uint32_t rank; /* above DIGEST_RANK_MAX: too many to say */
	uint64_t rows[DIGEST_RANK_MAX];
};

void digest_span_add(struct digest_span *span, uint64_t hash);
bool digest_span_is_full(const struct digest_span *span);
bool digest_span_has(const struct digest_span *span, uint64_t sum);

/* --- a set of regions */

struct digest_set {
	uint64_t words[WIRE_REGIONS / 64];
};

static inline bool digest_set_has(const struct digest_set *set, uint32_t region)
{
	return set->words[region / 64] >> region % 64 & 1;
}

static inline void digest_set_add(struct digest_set *set, uint32_t region)
{
	set->words[region / 64] |= 1ULL << region % 64;
}

uint32_t digest_set_count(const struct digest_set *set);

#endif
