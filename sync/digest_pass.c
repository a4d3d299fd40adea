// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/digest_pass.h"

#include <string.h>

void digest_pass_begin(struct digest_pass *pass, const struct tables *tables, uint64_t key)
{
	memset(pass, 0, sizeof(*pass));
	pass->key = key;
	pass->now = tables_now(tables);
	pass->buckets = tables->conn4_buckets + tables->conn6_buckets;
}

static void digest_pass_entry(struct digest_pass *pass, const struct digest_view *view,
			      const struct table_entry *entry, uint32_t slot)
{
	struct digest_seen seen = { .entry = entry, .bucket = pass->next, .slot = slot };
	uint64_t value;

	if (!digest_is_established(entry->flags))
		return;
	if (view->known && !view->known[entry->backend])
		return;
	seen.identity = digest_identity(view->identities, entry);
	if (!seen.identity)
		return;
	value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);
	seen.hash = digest_hash(view->identities, entry, seen.identity, pass->key);
	seen.region = digest_region(seen.identity);
	seen.idle = lbd_value_idle(value, pass->now);
	seen.limit = digest_limit(view->tables, entry->service, entry->flags);
	if (seen.idle < seen.limit)
		pass->sums[seen.region] ^= seen.hash;
	if (view->see)
		view->see(view->context, &seen);
}

/* Most of a table with room to spare is empty: known by four loads. */
static bool digest_pass_is_empty(const struct lbd_bucket *line)
{
	return !(LBD_READ_ONCE(line->key[0]) | LBD_READ_ONCE(line->key[1]) |
		 LBD_READ_ONCE(line->key[2]) | LBD_READ_ONCE(line->key[3]));
}

static void digest_pass_bucket4(struct digest_pass *pass, const struct digest_view *view,
				uint32_t bucket)
{
	struct table_entry entry;

	if (digest_pass_is_empty(&view->tables->conn4[bucket]))
		return;
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (tables_read4(view->tables, bucket, slot, &entry))
			digest_pass_entry(pass, view, &entry, slot);
}

static void digest_pass_bucket6(struct digest_pass *pass, const struct digest_view *view,
				uint32_t bucket)
{
	struct table_entry entry;

	if (digest_pass_is_empty(&view->tables->conn6[bucket].line))
		return;
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (tables_read6(view->tables, bucket, slot, &entry))
			digest_pass_entry(pass, view, &entry, slot);
}

bool digest_pass_slice(struct digest_pass *pass, const struct digest_view *view, uint32_t buckets)
{
	uint32_t buckets4 = view->tables->conn4_buckets;

	for (; buckets > 0 && pass->next < pass->buckets; buckets--) {
		if (pass->next < buckets4)
			digest_pass_bucket4(pass, view, pass->next);
		else
			digest_pass_bucket6(pass, view, pass->next - buckets4);
		pass->next++;
	}
	return pass->next == pass->buckets;
}
