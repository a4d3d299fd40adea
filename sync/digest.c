// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/digest.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

/* Where the chain of hashes begins, so that nothing hashes to what zeroes would. */
#define DIGEST_SEED 0x6c6264736469676eULL
#define DIGEST_STEP 0x9e3779b97f4a7c15ULL

/* Two rounds: with one, entries that differ by little would differ by little in their hashes. */
static uint64_t digest_step(uint64_t hash, uint64_t word)
{
	return lbd_mix(lbd_mix(hash + DIGEST_STEP) ^ word);
}

static uint64_t digest_addr(uint64_t hash, const struct lbd_addr *addr)
{
	return digest_step(digest_step(hash, le64toh(addr->halves[0])), le64toh(addr->halves[1]));
}

static uint64_t digest_service(const struct wire_service *service)
{
	return digest_step(digest_addr(DIGEST_SEED, &service->vip),
			   (uint64_t)ntohs(service->port) << 8 | service->protocol);
}

void digest_learn(struct digest_identities *identities, const struct dictionary *dictionary)
{
	memset(identities, 0, sizeof(*identities));
	for (uint32_t i = 0; i < dictionary->services_count; i++)
		identities->services[dictionary->services[i].id] =
			digest_service(&dictionary->services[i]);
	for (uint32_t i = 0; i < dictionary->backends_count; i++) {
		const struct wire_backend *backend = &dictionary->backends[i];

		if (identities->services[backend->service])
			identities->backends[backend->id] =
				digest_addr(identities->services[backend->service], &backend->addr);
	}
}

uint64_t digest_identity(const struct digest_identities *identities,
			 const struct table_entry *entry)
{
	uint64_t service = identities->services[entry->service];
	uint64_t ports = (uint64_t)ntohs(entry->client_port) << 16 | ntohs(entry->vip_port);

	if (!service || !identities->backends[entry->backend])
		return 0;
	return digest_step(digest_addr(service, &entry->client), ports);
}

uint64_t digest_hash(const struct digest_identities *identities, const struct table_entry *entry,
		     uint64_t identity, uint64_t key)
{
	return digest_step(digest_step(identity, key),
			   identities->backends[entry->backend] + lbd_value_nat(entry->flags));
}

uint32_t digest_limit(const struct tables *tables, uint16_t service, uint64_t flags)
{
	const struct lbd_timeouts *timeouts = tables_timeouts(tables, service);
	uint64_t timeout = flags & LBD_CONN_UDP ? timeouts->udp : timeouts->tcp;

	return (uint32_t)(timeout * 15 / 16);
}

/* --- spans */

/* A row's leading bit is in no later row: so the smaller of two sums is the one without it. */
static uint64_t digest_span_reduce(const struct digest_span *span, uint64_t sum)
{
	for (uint32_t i = 0; i < span->rank; i++)
		if ((sum ^ span->rows[i]) < sum)
			sum ^= span->rows[i];
	return sum;
}

bool digest_span_is_full(const struct digest_span *span)
{
	return span->rank > DIGEST_RANK_MAX;
}

void digest_span_add(struct digest_span *span, uint64_t hash)
{
	if (digest_span_is_full(span))
		return;
	hash = digest_span_reduce(span, hash);
	if (!hash)
		return;
	if (span->rank < DIGEST_RANK_MAX)
		span->rows[span->rank] = hash;
	span->rank++;
}

bool digest_span_has(const struct digest_span *span, uint64_t sum)
{
	return !digest_span_is_full(span) && digest_span_reduce(span, sum) == 0;
}

/* --- sets */

uint32_t digest_set_count(const struct digest_set *set)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < WIRE_REGIONS / 64; i++)
		count += (uint32_t)__builtin_popcountll(set->words[i]);
	return count;
}
