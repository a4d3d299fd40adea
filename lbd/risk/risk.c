// SPDX-License-Identifier: GPL-2.0-or-later
#include "risk/risk.h"

#include "base/monotonic.h"

/* Buckets between two looks at the clock. */
#define RISK_STRIDE 1024

/* Does the packet path find the backend without an entry, by what the packets say? */
static bool risk_names_backend(const struct model *model, const struct table_entry *entry)
{
	const struct service *service = &model->services[entry->service];
	bool by_id = false;

	for (uint32_t i = 0; i < LBD_QUIC_CONFIGS; i++)
		by_id |= service->quic[i].server > 0;
	return by_id && entry->backend < model->limits.backends &&
	       model->backends[entry->backend].server_ids_count > 0;
}

/* Would a node without the entry send its packets elsewhere? *ret_choice: where to. */
static bool risk_breaks(const struct risk *risk, const struct table_entry *entry,
			uint16_t *ret_choice)
{
	*ret_choice = dataplane_pick(risk->dataplane, entry);
	if (*ret_choice == entry->backend)
		return lbd_value_nat(entry->flags) > 1;
	return !risk_names_backend(risk->model, entry);
}

static void risk_add_breaking(struct risk *risk, struct risk_counts *counts,
			      const struct table_entry *entry, uint16_t choice)
{
	counts->breaking++;
	risk->all.breaking++;
	if (risk->list_count < risk->list_max)
		risk->list[risk->list_count++] = (struct risk_connection){ *entry, choice };
}

static bool risk_counts_it(const struct risk *risk, const struct table_entry *entry, uint32_t now)
{
	uint64_t value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);

	return entry->flags & LBD_CONN_CONFIRMED && !(entry->flags & LBD_CONN_CLOSING) &&
	       entry->service < risk->model->limits.services &&
	       !tables_expired(risk->tables, entry->service, value, now);
}

static void risk_add(struct risk *risk, uint32_t place, const struct table_entry *entry,
		     uint32_t now)
{
	struct risk_counts *counts;
	uint16_t choice;

	if (!risk_counts_it(risk, entry, now))
		return;
	counts = &risk->services[entry->service];
	counts->connections++;
	risk->all.connections++;
	if (risk->held && held_has(risk->held, place, entry))
		return;
	counts->unsynced++;
	risk->all.unsynced++;
	if (risk_breaks(risk, entry, &choice))
		risk_add_breaking(risk, counts, entry, choice);
}

static void risk_add_bucket(struct risk *risk, uint32_t bucket, uint32_t now)
{
	const struct tables *tables = risk->tables;
	bool v6 = bucket >= tables->conn4_buckets;
	uint32_t inner = v6 ? bucket - tables->conn4_buckets : bucket;
	struct table_entry entry;

	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (v6 ? tables_read6(tables, inner, slot, &entry)
		       : tables_read4(tables, inner, slot, &entry))
			risk_add(risk, held_place(tables, v6, inner, slot), &entry, now);
}

uint32_t risk_walk(struct risk *risk, uint32_t from, int64_t budget_us)
{
	uint32_t end = risk->tables->conn4_buckets + risk->tables->conn6_buckets;
	uint32_t now = tables_now(risk->tables);
	int64_t deadline_us = monotonic_us() + budget_us;

	for (uint32_t bucket = from; bucket < end; bucket++) {
		if (bucket % RISK_STRIDE == 0 && bucket > from && monotonic_us() > deadline_us)
			return bucket;
		risk_add_bucket(risk, bucket, now);
	}
	return RISK_END;
}
