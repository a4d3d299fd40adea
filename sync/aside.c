// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/aside.h"

#include <stdlib.h>
#include <string.h>

#define ASIDE_MASK (ASIDE_MAX - 1)

void aside_init(struct aside *aside, const struct lbd_secret *secret)
{
	*aside = (struct aside){ .secret = *secret };
}

void aside_destroy(struct aside *aside)
{
	free(aside->records);
	free(aside->heads);
	aside->records = NULL;
	aside->heads = NULL;
}

static bool aside_allocate(struct aside *aside)
{
	if (aside->records)
		return true;
	aside->records = calloc(ASIDE_MAX, sizeof(*aside->records));
	aside->heads = calloc(ASIDE_MAX, sizeof(*aside->heads));
	if (aside->records && aside->heads)
		return true;
	aside_destroy(aside);
	return false;
}

static uint32_t *aside_head(const struct aside *aside, const struct aside_record *record)
{
	struct lbd_flow flow = lbd_flow6(&record->entry.client, record->entry.client_port,
					 LBD_SERVICE_ID_MIN, record->entry.vip_port);

	return &aside->heads[lbd_flow_hash(&flow, true, &aside->secret) & ASIDE_MASK];
}

static bool aside_same_flow(const struct aside_record *a, const struct aside_record *b)
{
	return a->entry.client_port == b->entry.client_port &&
	       a->entry.vip_port == b->entry.vip_port &&
	       a->service.protocol == b->service.protocol && a->service.port == b->service.port &&
	       lbd_addr_equal(&a->entry.client, &b->entry.client) &&
	       lbd_addr_equal(&a->service.vip, &b->service.vip);
}

/* Links hold a record's place and one, so that 0 ends a chain. */
static struct aside_record *aside_find(const struct aside *aside, const struct aside_record *record)
{
	for (uint32_t at = *aside_head(aside, record); at; at = aside->records[at - 1].chain)
		if (aside_same_flow(&aside->records[at - 1], record))
			return &aside->records[at - 1];
	return NULL;
}

static void aside_link(struct aside *aside, uint32_t place)
{
	struct aside_record *record = &aside->records[place];
	uint32_t *head = aside_head(aside, record);

	record->chain = *head;
	*head = place + 1;
}

static void aside_unlink(struct aside *aside, uint32_t place)
{
	uint32_t *link = aside_head(aside, &aside->records[place]);

	while (*link != place + 1)
		link = &aside->records[*link - 1].chain;
	*link = aside->records[place].chain;
}

static void aside_give_up_oldest(struct aside *aside)
{
	aside_unlink(aside, aside->first);
	aside->first = (aside->first + 1) & ASIDE_MASK;
	aside->count--;
	aside->counts.given_up++;
}

static void aside_add(struct aside *aside, const struct aside_record *record)
{
	uint32_t place;

	if (aside->count == ASIDE_MAX)
		aside_give_up_oldest(aside);
	place = (aside->first + aside->count++) & ASIDE_MASK;
	aside->records[place] = *record;
	aside_link(aside, place);
	aside->counts.kept++;
	aside->counts.held = aside->count;
}

/* Peers tell in order: the last word is the newest, but for a second hand's. */
void aside_keep(struct aside *aside, const struct aside_record *record)
{
	struct aside_record *held;
	uint32_t chain;

	if (!aside_allocate(aside)) {
		aside->counts.given_up++;
		return;
	}
	held = aside_find(aside, record);
	if (!held) {
		aside_add(aside, record);
		return;
	}
	if (record->second_hand && !held->second_hand)
		return;
	chain = held->chain;
	*held = *record;
	held->chain = chain;
}

static void aside_count(struct sync_kept *counts, enum aside_fate fate)
{
	counts->entered += fate == ASIDE_ENTERED;
	counts->expired += fate == ASIDE_EXPIRED;
}

void aside_visit(struct aside *aside,
		 enum aside_fate (*visit)(void *context, const struct aside_record *record),
		 void *context)
{
	uint32_t count = aside->count;

	if (count == 0)
		return;
	memset(aside->heads, 0, ASIDE_MAX * sizeof(*aside->heads));
	aside->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct aside_record *record =
			&aside->records[(aside->first + i) & ASIDE_MASK];
		enum aside_fate fate = visit(context, record);
		uint32_t place = (aside->first + aside->count) & ASIDE_MASK;

		aside_count(&aside->counts, fate);
		if (fate != ASIDE_STAYS)
			continue;
		aside->records[place] = *record;
		aside->count++;
		aside_link(aside, place);
	}
	aside->counts.held = aside->count;
}
