// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/apply.h"

struct applying {
	const struct tables *tables;
	struct directory *directory;
	const struct apply_watch *watch;
	struct apply_counts *counts;
	uint32_t now;
};

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

static void apply_entry(const struct applying *applying, const struct wire_record *record,
			struct table_entry *ret)
{
	const struct directory *directory = applying->directory;
	uint32_t age_ms = record->age_ms < WIRE_AGE_MAX_MS ? record->age_ms : WIRE_AGE_MAX_MS;

	ret->client = record->client;
	ret->client_port = record->client_port;
	ret->vip_port = record->vip_port;
	ret->service = directory->services[record->service].local;
	ret->backend = directory->backends[record->backend].local;
	ret->flags = LBD_CONN_CONFIRMED | LBD_CONN_REMOTE |
		     (record->flags & WIRE_CONN_CLOSING ? LBD_CONN_CLOSING : 0) |
		     (record->flags & WIRE_CONN_UDP ? LBD_CONN_UDP : 0);
	ret->flags = lbd_value_with_nat(ret->flags,
					record->flags >> WIRE_CONN_NAT_SHIFT & WIRE_CONN_NAT_MASK);
	ret->tick = tables_tick_of_age(applying->tables, age_ms, applying->now);
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

static enum tables_put apply_put(const struct applying *applying, const struct table_entry *entry)
{
	const struct apply_watch *watch = applying->watch;
	struct table_entry before;
	enum tables_put put;
	bool found;

	if (!watch)
		return tables_put(applying->tables, entry);
	found = tables_find(applying->tables, entry, &before);
	put = tables_put(applying->tables, entry);
	if (put == TABLES_PUT_ADDED || put == TABLES_PUT_UPDATED)
		watch->changed(watch->context, found ? &before : NULL, entry, applying->now);
	return put;
}

static void apply_record(const struct applying *applying, const struct wire_record *record)
{
	struct directory_backend *backend = &applying->directory->backends[record->backend];
	struct table_entry entry;

	if (!apply_is_sound(applying->directory, record)) {
		applying->counts->bad++;
		return;
	}
	if (backend->local == 0) {
		backend->missed = true;
		applying->counts->unknown++;
		return;
	}
	apply_entry(applying, record, &entry);
	apply_count(applying->counts, apply_put(applying, &entry));
}

static void apply_rows(const struct applying *applying, const struct wire_rows *rows,
		       void (*get)(const uint8_t *row, struct wire_record *ret))
{
	struct wire_record record;

	for (uint32_t i = 0; i < rows->count; i++) {
		get(wire_row(rows, i), &record);
		apply_record(applying, &record);
	}
}

void apply_records(const struct tables *tables, struct directory *directory,
		   const struct wire_message *message, const struct apply_watch *watch,
		   struct apply_counts *counts)
{
	struct applying applying = { tables, directory, watch, counts, tables_now(tables) };

	apply_rows(&applying, &message->records4, wire_get_record4);
	apply_rows(&applying, &message->records6, wire_get_record6);
}
