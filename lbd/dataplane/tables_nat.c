// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/tables_nat.h"

#include <netinet/in.h>
#include <stddef.h>

/* The half of the service tables that is in force. */
static const struct lbd_service *tables_service(const struct tables *tables, uint16_t id)
{
	uint32_t half;

	if (!tables->nat_control || id >= tables->nat_control->limits.services)
		return NULL;
	half = LBD_READ_ONCE(tables->nat_control->active) & 1;
	return &tables->services[half * tables->nat_control->limits.services + id];
}

static const struct lbd_backend *tables_backend(const struct tables *tables, uint16_t index)
{
	uint32_t half;

	if (!tables->nat_control || index >= tables->nat_control->limits.backends)
		return NULL;
	half = LBD_READ_ONCE(tables->nat_control->active) & 1;
	return &tables->backends[half * tables->nat_control->limits.backends + index];
}

bool tables_nat_concerns(const struct tables *tables, const struct table_entry *entry)
{
	const struct lbd_backend *backend = tables_backend(tables, entry->backend);

	return entry->flags & LBD_CONN_NAT && backend && backend->forward == LBD_FORWARD_NAT &&
	       tables->nat.count[!lbd_addr_is4(&entry->client)];
}

/* False if there is no such service or backend, or the flow goes out nowhere. */
static bool tables_nat_way(const struct tables *tables, const struct table_entry *entry,
			   struct lbd_nat_way *ret)
{
	const struct lbd_service *service = tables_service(tables, entry->service);
	const struct lbd_backend *backend = tables_backend(tables, entry->backend);
	const bool v6 = !lbd_addr_is4(&entry->client);
	struct lbd_nat_source source;
	uint64_t hash;

	if (!service || !backend || backend->service != entry->service ||
	    backend->forward != LBD_FORWARD_NAT || !(entry->flags & LBD_CONN_NAT))
		return false;
	hash = lbd_nat_hash(&entry->client, entry->client_port, &service->vip, entry->vip_port,
			    service->protocol, &tables->pick_secret);
	source = lbd_nat_source(&tables->nat, hash, lbd_value_nat(entry->flags), v6);
	*ret = lbd_nat_way(&backend->addr, backend->port ? backend->port : entry->vip_port, &source,
			   service->protocol == IPPROTO_UDP, &tables->secret,
			   v6 ? tables->nat6_buckets : tables->nat4_buckets, v6);
	return true;
}

/* The flow that the slot names. */
static bool tables_nat_owner(const struct tables *tables, const struct tables_way *way,
			     struct table_entry *ret)
{
	const uint64_t flow = LBD_READ_ONCE(way->line->value[way->slot]);
	const struct lbd_service *service = tables_service(tables, lbd_key_service(flow));

	if (!service)
		return false;
	ret->client = way->client ? way->client[way->slot] : lbd_addr_from4(lbd_key_client4(flow));
	ret->client_port = lbd_key_port(flow);
	ret->service = lbd_key_service(flow);
	ret->vip_port = service->port;
	return true;
}

/* May it be taken from who has it? As nat_displace in the packet path. */
static bool tables_nat_displace(const struct tables *tables, const struct tables_way *way)
{
	struct table_entry owner = { 0 };
	struct lbd_nat_way leads;
	__u64 *value, held = 0;

	if (!tables_nat_owner(tables, way, &owner))
		return true;
	value = tables_find_value(tables, &owner, &held);
	if (!value)
		return true;
	owner.backend = lbd_value_backend(held);
	owner.flags = held & LBD_CONN_FLAGS;
	if (!tables_nat_way(tables, &owner, &leads) || leads.key != way->held ||
	    leads.bucket != way->way.bucket)
		return true;
	if (held & LBD_CONN_CONFIRMED &&
	    !tables_expired(tables, owner.service, held, tables_now(tables)))
		return false;
	return LBD_CAS(value, held, lbd_value_with_nat(held, 0)) == held;
}

static bool tables_nat_is_ours(const struct tables_way *way, const struct table_entry *entry)
{
	const uint64_t flow = LBD_READ_ONCE(way->line->value[way->slot]);

	if (way->held != way->way.key || lbd_key_port(flow) != entry->client_port ||
	    lbd_key_service(flow) != entry->service)
		return false;
	return way->client ? lbd_client_equal(&way->client[way->slot], &entry->client)
			   : lbd_key_client4(flow) == entry->client.words[3];
}

/* Is the slot @entry's, or nobody's, or let go? */
static bool tables_nat_may_take(const struct tables *tables, const struct table_entry *entry,
				struct tables_way *way)
{
	way->held = LBD_READ_ONCE(way->line->key[way->slot]);
	way->ours = tables_nat_is_ours(way, entry);
	if (way->ours || way->held == LBD_KEY_EMPTY)
		return true;
	return way->held < LBD_KEY_CLAIMED_USER && tables_nat_displace(tables, way);
}

bool tables_nat_find(const struct tables *tables, const struct table_entry *entry,
		     struct tables_way *ret)
{
	const bool v6 = !lbd_addr_is4(&entry->client);
	struct lbd_nat_room room;

	if (!tables_nat_way(tables, entry, &ret->way))
		return false;
	ret->line = v6 ? &tables->nat6[ret->way.bucket].line : &tables->nat4[ret->way.bucket];
	ret->client = v6 ? tables->nat6[ret->way.bucket].client : NULL;
	room = lbd_nat_room(ret->line, ret->way.key, entry->tick);
	for (uint32_t i = 0; i < room.count; i++) {
		ret->slot = (room.first + i) % LBD_BUCKET_SLOTS;
		if (tables_nat_may_take(tables, entry, ret))
			return true;
	}
	return false;
}

void tables_nat_take(const struct tables_way *way, const struct lbd_flow *flow)
{
	struct lbd_flow back = *flow;

	if (way->ours)
		return;
	back.key = way->way.key;
	if (lbd_bucket_take(way->line, way->client, way->slot, way->held, &back, flow->key,
			    LBD_KEY_CLAIMED_USER))
		lbd_nat_settle(way->line, way->slot, way->way.key);
}
