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
			      const struct table_entry *entry)
{
	struct digest_seen seen = { .entry = entry, .bucket = pass->next };
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

static void digest_pass_bucket(struct digest_pass *pass, const struct digest_view *view)
{
	uint32_t buckets4 = view->tables->conn4_buckets, bucket = pass->next;
	struct table_entry entry;
	bool is_flow;

	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++) {
		is_flow = bucket < buckets4
				  ? tables_read4(view->tables, bucket, slot, &entry)
				  : tables_read6(view->tables, bucket - buckets4, slot, &entry);
		if (is_flow)
			digest_pass_entry(pass, view, &entry);
	}
}

bool digest_pass_slice(struct digest_pass *pass, const struct digest_view *view, uint32_t buckets)
{
	for (; buckets > 0 && pass->next < pass->buckets; buckets--) {
		digest_pass_bucket(pass, view);
		pass->next++;
	}
	return pass->next == pass->buckets;
}
