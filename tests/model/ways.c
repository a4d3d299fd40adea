// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/ways.h"

#include <string.h>

#include "tests/model/frame.h"

/* All nodes of a cluster, and all versions, must find the same. */
static uint64_t ways_hash(const struct world *world, const struct flow_key *key,
			  const struct service *service)
{
	const uint64_t *secret = (const uint64_t *)world->model->pick_secret.words;
	const uint64_t ports = world_swap(key->client_port) << 32 | world_swap(key->vip_port) << 8 |
			       service->protocol;
	uint64_t x = world_mix(world_half(&key->client, 1) ^ secret[0]) ^ secret[1];

	x = world_mix(x ^ world_half(&key->client, 0));
	return x + world_half(&service->vip, 1) * 0x9e3779b97f4a7c15ULL + ports;
}

struct way ways_of(const struct world *world, const struct flow_key *key,
		   const struct backend *backend, uint32_t attempt)
{
	const struct service *service = &world->model->services[key->service];
	const struct lbd_nat *nat = &world->model->nat;
	const bool v6 = !lbd_addr_is4(&service->vip);
	const uint64_t hash = ways_hash(world, key, service);
	const uint64_t x = world_mix(hash + attempt * 0xd1b54a32d192ed03ULL);

	return (struct way){
		.backend = backend->addr,
		.nat = nat->addrs[v6][(x >> 32) * nat->count[v6] >> 32],
		.backend_port = backend->port ? (uint16_t)backend->port : key->vip_port,
		.nat_port = (uint16_t)(nat->first_port + ((x & 0xffffffff) * nat->ports >> 32)),
		.protocol = service->protocol,
	};
}

static uint32_t ways_place(const struct ways *ways, const struct way *way)
{
	uint32_t i = 0;

	while (i < ways->count && memcmp(&ways->all[i].way, way, sizeof(*way)))
		i++;
	return i;
}

const struct flow_key *ways_find(const struct ways *ways, const struct way *way)
{
	const uint32_t place = ways_place(ways, way);

	return place < ways->count ? &ways->all[place].owner : NULL;
}

void ways_take(struct ways *ways, const struct way *way, const struct flow_key *owner)
{
	const uint32_t place = ways_place(ways, way);

	if (place == WAYS_MAX)
		return;
	ways->count += place == ways->count;
	ways->all[place].way = *way;
	ways->all[place].owner = *owner;
}

bool ways_leads(const struct world *world, const struct flow *flow, const struct way *way)
{
	const struct backend *backend = &world->model->backends[flow->backend];
	struct way own;

	if (!flow->attempt || backend->service != flow->key.service)
		return false;
	own = ways_of(world, &flow->key, backend, flow->attempt);
	return !memcmp(&own, way, sizeof(own));
}
