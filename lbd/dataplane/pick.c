// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbd/pick.h"

#include "dataplane/internal.h"

static uint32_t pick_hash(const struct dataplane *dataplane, const struct lbd_service *service,
			  const struct table_entry *flow)
{
	uint32_t server = lbd_pick_server(flow->vip_port, service->protocol);
	struct lbd_addr client = flow->client;

	if (service->hash == LBD_HASH_5_TUPLE)
		return lbd_pick_mix(&client, lbd_pick_all(flow->client_port, server),
				    &dataplane->tables.pick_secret);
	client.halves[0] &= lbd_pick_mask(service->prefix);
	client.halves[1] &= lbd_pick_mask(service->prefix - 64);
	return lbd_pick_mix(&client, service->hash == LBD_HASH_PORT ? server : 0,
			    &dataplane->tables.pick_secret);
}

uint16_t dataplane_pick(const struct dataplane *dataplane, const struct table_entry *flow)
{
	const uint64_t *rings = dataplane->memory[MAP_lbd_rings];
	uint32_t size = dataplane->limits.ring_size, place;
	const struct lbd_service *service;

	if (flow->service >= dataplane->limits.services)
		return 0;
	service = &snapshot_services(dataplane,
				     LBD_READ_ONCE(dataplane->control->active) & 1)[flow->service];
	if (!service->used || !service->usable)
		return 0;
	place = lbd_pick_place(pick_hash(dataplane, service, flow), size);
	return lbd_pick_unpack(rings[lbd_pick_word(service->ring, place, size)], place);
}
