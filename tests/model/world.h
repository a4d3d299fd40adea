/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reference knows of the node: the model that was committed (services,
 * backends, next hops, timeouts), and each service's Maglev ring.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "model/model.h"
#include "tests/model/view.h"

struct world {
	const struct config *config;
	const struct model *model;
	bool holds;	   /* somebody waits for fragments that come before their first */
	uint32_t features; /* what the generation was specialised for */
	uint16_t *rings;   /* one after the other, by service id */
	bool *has_ring;	   /* is there anything to pick? by service id */
};

/* *@world holds what world_free() frees, also on failure. */
int world_make(struct world *world, const struct config *config, const struct model *model);
void world_free(struct world *world);

/* The model has changed: other backends take flows. */
int world_update(struct world *world);

/* The service of a destination; NULL if there is none. @port is in host order. */
const struct service *world_service(const struct world *world, const struct lbd_addr *vip,
				    uint16_t port, uint8_t protocol);

/* Is it an address that clients' packets go out from? */
bool world_is_nat(const struct world *world, const struct lbd_addr *addr);

/* Does any service have this address, or is it one of NAT's? */
bool world_is_vip(const struct world *world, const struct lbd_addr *addr);

/* Why nobody has the packet's source, or VIEW_WHOLE. */
int world_source(const struct world *world, const struct view *view);

/* Does a frame to @mac belong to this node? */
bool world_is_mac(const struct world *world, const uint8_t *mac);

/* What hashes that a cluster agrees on are made of: a mixer, eight bytes of an address, a port,
 * the last two as a little-endian machine reads them. */
uint64_t world_mix(uint64_t x);
uint64_t world_half(const struct lbd_addr *addr, int half);
uint64_t world_swap(uint16_t port);

/* What a pick depends on: the flow, ports in host order. */
struct world_flow {
	struct lbd_addr client;
	uint16_t client_port;
	uint16_t vip_port;
	uint8_t protocol;
};

/* As much of @client as tells it from others to @service. */
struct lbd_addr world_client(const struct service *service, const struct lbd_addr *client);

/* Index of the backend that Maglev gives the flow; 0 if the service has none to give. */
uint16_t world_pick(const struct world *world, uint16_t service, const struct world_flow *flow);

#endif
