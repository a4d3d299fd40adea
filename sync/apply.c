// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/apply.h"

#include <string.h>

struct applying {
	const struct apply_target *target;
	const struct wire_message *message;
	struct directory *directory;
	struct apply_counts *counts;
	uint32_t now;
	struct tables_claim own; /* what stands for our own term; for each record the rest */
};

typedef void apply_get(const uint8_t *row, struct wire_record *ret);

/* A record on its way. */
struct apply_row {
	struct wire_record record;
	struct table_entry entry;
	struct tables_place place;
	uint32_t held; /* its place in struct held, or APPLY_NOWHERE */
};

/*
 * Records that take each step together: memory takes longer to answer than an entry to be made,
 * but answers many questions at once if they come at once.
 */
#define APPLY_BLOCK 32
#define APPLY_NOWHERE UINT32_MAX

/* Does the record agree with what the peer's dictionary says of its service? */
static bool apply_is_sound(const struct directory *directory, const struct wire_record *record)
{
	const struct directory_service *service = &directory->services[record->service];

	if (!service->used || directory->backends[record->backend].service != record->service)
		return false;
	if (service->identity.port != 0 && service->identity.port != record->vip_port)
		return false;
	return lbd_addr_is4(&service->identity.vip) == lbd_addr_is4(&record->client);
}

/* All but what it is here: the ids of service and backend. */
static void apply_entry(const struct applying *applying, const struct wire_record *record,
			struct table_entry *ret)
{
	uint32_t age_ms = record->age_ms < WIRE_AGE_MAX_MS ? record->age_ms : WIRE_AGE_MAX_MS;

	*ret = (struct table_entry){
		.client = record->client,
		.client_port = record->client_port,
		.vip_port = record->vip_port,
		.flags = LBD_CONN_CONFIRMED | LBD_CONN_REMOTE |
			 (record->flags & WIRE_CONN_CLOSING ? LBD_CONN_CLOSING : 0) |
			 (record->flags & WIRE_CONN_UDP ? LBD_CONN_UDP : 0),
		.tick = tables_tick_of_age(applying->target->tables, age_ms, applying->now),
	};
	ret->flags = lbd_value_with_nat(ret->flags,
					record->flags >> WIRE_CONN_NAT_SHIFT & WIRE_CONN_NAT_MASK);
}

static void apply_count(struct apply_counts *counts, enum tables_put put)
{
	switch (put) {
	case TABLES_PUT_ADDED:
	case TABLES_PUT_UPDATED:
		counts->applied++;
		break;
	case TABLES_PUT_OLDER:
		counts->older++;
		break;
	case TABLES_PUT_FULL:
		counts->full++;
		break;
	}
}

static struct tables_claim apply_own(const struct apply_target *target)
{
	const struct term *term = target->term;

	return (struct tables_claim){
		.began = tables_ticks_since(target->tables, term->began_us),
		.ended = term->ended_us ? tables_ticks_since(target->tables, term->ended_us) : 0,
	};
}

static void apply_tell(const struct apply_target *target, const struct table_entry *entry,
		       const struct tables_stood *stood, uint32_t now)
{
	const struct apply_watch *watch = &target->watch;
	struct table_entry before;

	if (stood->found)
		tables_entry_of(entry, stood->before, &before);
	watch->changed(watch->context, stood->found ? &before : NULL, entry, now);
}

/* Put it, and tell who watches. */
static enum tables_put apply_claim(const struct apply_target *target,
				   const struct tables_place *place,
				   const struct table_entry *entry,
				   const struct tables_claim *claim, uint32_t now,
				   struct tables_stood *ret)
{
	enum tables_put put = tables_put_at(target->tables, place, entry, claim, now, ret);

	if (target->watch.changed && (put == TABLES_PUT_ADDED || put == TABLES_PUT_UPDATED))
		apply_tell(target, entry, ret, now);
	return put;
}

/* Version 1 knew no terms: its records are taken as they were then, by age alone. */
static enum tables_put apply_put(const struct applying *applying, const struct apply_row *row,
				 struct tables_stood *ret)
{
	const struct apply_target *target = applying->target;
	struct tables_claim claim = applying->own;

	claim.standing = term_standing(target->term, target->node, applying->message, &row->record);
	claim.second_hand = row->record.flags & WIRE_CONN_SECONDHAND;
	return apply_claim(target, &row->place, &row->entry,
			   applying->message->version > 1 ? &claim : NULL, applying->now, ret);
}

static void apply_keep(const struct applying *applying, const struct wire_record *record,
		       const struct table_entry *entry)
{
	const struct directory *directory = applying->directory;
	const struct wire_message *message = applying->message;
	struct aside_record kept = {
		.service = directory->services[record->service].identity,
		.backend = directory->backends[record->backend].addr,
		.entry = *entry,
		.term = term_of_record(message, record),
		.greater = strcmp(message->node, applying->target->node) > 0,
		.second_hand = record->flags & WIRE_CONN_SECONDHAND,
		.plain = message->version < 2,
	};

	aside_keep(applying->target->aside, &kept);
}

/* What it says, and where it goes. Any number is the place of a service or backend, used or not. */
static void apply_locate(const struct applying *applying, const uint8_t *data, apply_get *get,
			 struct apply_row *row)
{
	const struct directory *directory = applying->directory;

	get(data, &row->record);
	apply_entry(applying, &row->record, &row->entry);
	row->entry.service = directory->services[row->record.service].local;
	row->entry.backend = directory->backends[row->record.backend].local;
	row->held = APPLY_NOWHERE;
	tables_locate(applying->target->tables, &row->entry, &row->place);
}

/* Into the table. */
static void apply_enter(const struct applying *applying, struct apply_row *row)
{
	const struct apply_target *target = applying->target;
	struct tables_stood stood;

	if (!apply_is_sound(applying->directory, &row->record)) {
		applying->counts->bad++;
		return;
	}
	if (row->entry.backend == 0) {
		applying->directory->backends[row->record.backend].missed = true;
		applying->counts->unknown++;
		apply_keep(applying, &row->record, &row->entry);
		return;
	}
	apply_count(applying->counts, apply_put(applying, row, &stood));
	if (!target->teller || !stood.word)
		return;
	row->held = held_place_of(target->tables, row->place.pair.client[0], stood.word);
}

/* Who told of it has it. */
static void apply_note(const struct applying *applying, const struct apply_row *row)
{
	if (row->held != APPLY_NOWHERE)
		held_put(applying->target->teller, row->held, held_print(&row->entry));
}

static void apply_block(const struct applying *applying, const struct wire_rows *rows,
			apply_get *get, uint32_t first, uint32_t count)
{
	struct held *teller = applying->target->teller;
	struct apply_row block[APPLY_BLOCK];

	for (uint32_t i = 0; i < count; i++)
		apply_locate(applying, wire_row(rows, first + i), get, &block[i]);
	for (uint32_t i = 0; i < count; i++)
		tables_fetch(&block[i].place);
	for (uint32_t i = 0; i < count; i++)
		apply_enter(applying, &block[i]);
	for (uint32_t i = 0; i < count; i++)
		if (block[i].held != APPLY_NOWHERE)
			held_prefetch(teller, block[i].held);
	for (uint32_t i = 0; i < count; i++)
		apply_note(applying, &block[i]);
}

static void apply_rows(const struct applying *applying, const struct wire_rows *rows,
		       apply_get *get)
{
	for (uint32_t first = 0; first < rows->count; first += APPLY_BLOCK) {
		uint32_t left = rows->count - first;

		apply_block(applying, rows, get, first, left < APPLY_BLOCK ? left : APPLY_BLOCK);
	}
}

void apply_records(const struct apply_target *target, struct directory *directory,
		   const struct wire_message *message, struct apply_counts *counts)
{
	struct applying applying = {
		.target = target,
		.message = message,
		.directory = directory,
		.counts = counts,
		.now = tables_now(target->tables),
		.own = apply_own(target),
	};

	applying.own.greater = strcmp(message->node, target->node) > 0;
	apply_rows(&applying, &message->records4, wire_get_record4);
	apply_rows(&applying, &message->records6, wire_get_record6);
}

/* --- those kept aside */

struct apply_entering {
	const struct apply_target *target;
	const struct dictionary *dictionary;
	uint32_t now;
	struct tables_claim own;
};

static enum tables_put apply_put_kept(const struct apply_entering *entering,
				      const struct aside_record *record,
				      const struct table_entry *entry)
{
	const struct term *term = entering->target->term;
	const struct tables *tables = entering->target->tables;
	struct tables_claim claim = entering->own;
	struct tables_place place;
	struct tables_stood stood;

	claim.second_hand = record->second_hand;
	claim.greater = record->greater;

	if (record->term && term->own) {
		bool higher =
			record->greater ? record->term >= term->own : record->term > term->own;

		claim.standing = higher ? 1 : -1;
	}
	tables_locate(tables, entry, &place);
	return apply_claim(entering->target, &place, entry, record->plain ? NULL : &claim,
			   entering->now, &stood);
}

static enum aside_fate apply_visit_kept(void *context, const struct aside_record *record)
{
	const struct apply_entering *entering = context;
	struct table_entry entry = record->entry;
	uint64_t value;

	entry.service = dictionary_find_service(entering->dictionary, &record->service);
	if (!entry.service)
		return ASIDE_STAYS; /* how long it lives is the service's to say */
	entry.backend =
		dictionary_find_backend(entering->dictionary, entry.service, &record->backend);
	value = lbd_value_make(entry.backend, entry.vip_port, entry.flags, entry.tick);
	if (tables_expired(entering->target->tables, entry.service, value, entering->now))
		return ASIDE_EXPIRED;
	if (!entry.backend)
		return ASIDE_STAYS;
	apply_put_kept(entering, record, &entry);
	return ASIDE_ENTERED;
}

void apply_kept(const struct apply_target *target, const struct dictionary *own)
{
	struct apply_entering entering = {
		.target = target,
		.dictionary = own,
		.now = tables_now(target->tables),
		.own = apply_own(target),
	};

	aside_visit(target->aside, apply_visit_kept, &entering);
}
