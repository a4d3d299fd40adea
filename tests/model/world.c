// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/frame.h"

int world_make(struct world *world, const struct config *config, const struct model *model)
{
	const struct lbd_limits *limits = &model->limits;

	*world = (struct world){ .config = config, .model = model };
	world->rings = calloc((size_t)limits->services * limits->ring_size, sizeof(*world->rings));
	world->has_ring = calloc(limits->services, sizeof(*world->has_ring));
	return world->rings && world->has_ring ? 0 : -ENOMEM;
}

void world_free(struct world *world)
{
	free(world->rings);
	free(world->has_ring);
	*world = (struct world){ 0 };
}

static uint16_t *world_ring(const struct world *world, uint16_t service)
{
	return &world->rings[(size_t)service * world->model->limits.ring_size];
}

int world_update(struct world *world)
{
	for (uint32_t id = 1; id < world->model->limits.services; id++) {
		const struct service *service = &world->model->services[id];
		int members;

		if (!service->id)
			continue;
		members = model_ring(world->model, service, world_ring(world, (uint16_t)id));
		if (members < 0)
			return members;
		world->has_ring[id] = members > 0;
	}
	return 0;
}

static bool world_serves(const struct service *service, const struct lbd_addr *vip)
{
	return service->id && !service->gone && lbd_addr_equal(&service->vip, vip);
}

const struct service *world_service(const struct world *world, const struct lbd_addr *vip,
				    uint16_t port, uint8_t protocol)
{
	const struct service *any = NULL;

	for (uint32_t id = 1; id < world->model->limits.services; id++) {
		const struct service *service = &world->model->services[id];

		if (!world_serves(service, vip) || service->protocol != protocol)
			continue;
		if (!service->port)
			any = service;
		else if (service->port == port)
			return service;
	}
	return any;
}

bool world_is_nat(const struct world *world, const struct lbd_addr *addr)
{
	const struct lbd_nat *nat = &world->model->nat;

	for (int family = 0; family < 2; family++)
		for (uint32_t i = 0; i < nat->count[family]; i++)
			if (lbd_addr_equal(&nat->addrs[family][i], addr))
				return true;
	return false;
}

bool world_is_vip(const struct world *world, const struct lbd_addr *addr)
{
	if (world_is_nat(world, addr))
		return true;
	for (uint32_t id = 1; id < world->model->limits.services; id++)
		if (world_serves(&world->model->services[id], addr))
			return true;
	return false;
}

int world_source(const struct world *world, const struct view *view)
{
	if (view_martian(view))
		return LBD_OUTCOME_DROP_MARTIAN;
	return world_is_vip(world, &view->client) ? LBD_OUTCOME_DROP_VIP_SOURCE : VIEW_WHOLE;
}

bool world_is_mac(const struct world *world, const uint8_t *mac)
{
	static const uint8_t vrrp4[] = { 0, 0, 0x5e, 0, 1 }, vrrp6[] = { 0, 0, 0x5e, 0, 2 };

	for (uint32_t i = 0; i < world->model->macs_count; i++)
		if (!memcmp(&world->model->macs[i], mac, 6))
			return true;
	return !memcmp(mac, vrrp4, sizeof(vrrp4)) || !memcmp(mac, vrrp6, sizeof(vrrp6));
}

/* --- Maglev's hash, which every node and version of a cluster must agree on */

uint64_t world_mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	return x ^ x >> 29;
}

uint64_t world_half(const struct lbd_addr *addr, int half)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | addr->bytes[half * 8 + i];
	return value;
}

uint64_t world_swap(uint16_t port)
{
	return (uint16_t)(port << 8 | port >> 8);
}

struct lbd_addr world_client(const struct service *service, const struct lbd_addr *client)
{
	struct lbd_addr masked = { 0 };

	for (int bit = 0; bit < service->prefix; bit++)
		masked.bytes[bit / 8] |= client->bytes[bit / 8] & 0x80 >> bit % 8;
	return masked;
}

/* What of the ports and the protocol the service goes by. */
static uint64_t world_ports(const struct service *service, const struct world_flow *flow)
{
	const uint64_t server = world_swap(flow->vip_port) << 8 | flow->protocol;

	switch (service->hash) {
	case LBD_HASH_5_TUPLE:
		return world_swap(flow->client_port) << 32 | server;
	case LBD_HASH_PORT:
		return server;
	default:
		return 0;
	}
}

static uint32_t world_hash(const struct world *world, const struct service *service,
			   const struct world_flow *flow)
{
	const uint64_t *secret = (const uint64_t *)world->model->pick_secret.words;
	const struct lbd_addr client = world_client(service, &flow->client);
	uint64_t x = world_mix(world_half(&client, 1) ^ secret[0]);

	x = world_mix(x ^ world_half(&client, 0) ^ secret[1]);
	return (uint32_t)(world_mix(x + world_ports(service, flow)) >> 16);
}

uint16_t world_pick(const struct world *world, uint16_t service, const struct world_flow *flow)
{
	const uint64_t places = world->model->limits.ring_size;
	const struct service *own = &world->model->services[service];

	if (!world->has_ring[service])
		return 0;
	return world_ring(world, service)[world_hash(world, own, flow) * places >> 32];
}
