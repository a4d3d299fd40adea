// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/sampler.h"

void sampler_begin(struct sampler *sampler, uint32_t wanted, uint64_t seed, int64_t now_us)
{
	if (sampler->on || (sampler->began_us && now_us - sampler->began_us < SAMPLER_EVERY_US))
		return;
	sampler->on = true;
	sampler->wanted = wanted < WIRE_SAMPLE_MAX ? wanted : WIRE_SAMPLE_MAX;
	sampler->count = sampler->bucket = 0;
	sampler->seen = 0;
	sampler->random = seed ^ (uint64_t)now_us;
	sampler->began_us = now_us;
}

static uint32_t sampler_buckets(const struct tables *tables)
{
	return tables->conn4_buckets + tables->conn6_buckets;
}

/* Open, confirmed, and not forgotten by its timeout. */
static bool sampler_counts(const struct tables *tables, const struct table_entry *entry,
			   uint32_t now)
{
	uint64_t value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);

	return entry->flags & LBD_CONN_CONFIRMED && !(entry->flags & LBD_CONN_CLOSING) &&
	       !tables_expired(tables, entry->service, value, now);
}

/* The first ones stay; the n-th takes one's place with the chance that it is to have. */
static void sampler_add(struct sampler *sampler, const struct table_entry *entry)
{
	uint64_t place;

	sampler->seen++;
	if (sampler->count < sampler->wanted) {
		sampler->entries[sampler->count++] = *entry;
		return;
	}
	sampler->random += 0x9e3779b97f4a7c15ULL;
	place = lbd_mix(sampler->random) % sampler->seen;
	if (place < sampler->wanted)
		sampler->entries[place] = *entry;
}

static void sampler_look(struct sampler *sampler, const struct tables *tables, uint32_t now)
{
	bool v6 = sampler->bucket >= tables->conn4_buckets;
	uint32_t bucket = v6 ? sampler->bucket - tables->conn4_buckets : sampler->bucket;
	struct table_entry entry;

	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if ((v6 ? tables_read6(tables, bucket, slot, &entry)
			: tables_read4(tables, bucket, slot, &entry)) &&
		    sampler_counts(tables, &entry, now))
			sampler_add(sampler, &entry);
	sampler->bucket++;
}

void sampler_slice(struct sampler *sampler, const struct tables *tables, uint32_t buckets)
{
	uint32_t now = tables_now(tables);

	while (sampler->on && buckets-- > 0 && sampler->bucket < sampler_buckets(tables))
		sampler_look(sampler, tables, now);
}

bool sampler_is_due(const struct sampler *sampler, const struct tables *tables)
{
	return sampler->on && sampler->bucket == sampler_buckets(tables);
}

void sampler_fill(const struct sampler *sampler, const struct tables *tables,
		  struct outbox_batch *batch, struct wire_message *ret)
{
	uint32_t now = tables_now(tables), count4 = 0, count6 = 0;
	struct wire_record record;

	for (uint32_t i = 0; i < sampler->count; i++) {
		outbox_describe(tables, &sampler->entries[i], now, &record);
		if (lbd_addr_is4(&record.client))
			wire_put_record4(batch->rows4 + WIRE_RECORD4_SIZE * count4++, &record);
		else if (count6 < WIRE_RECORDS6_MAX)
			wire_put_record6(batch->rows6 + WIRE_RECORD6_SIZE * count6++, &record);
	}
	ret->records4 = (struct wire_rows){ batch->rows4, WIRE_RECORD4_SIZE, count4 };
	ret->records6 = (struct wire_rows){ batch->rows6, WIRE_RECORD6_SIZE, count6 };
}

void sampler_end(struct sampler *sampler)
{
	sampler->on = false;
}
