// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/maglev.h"

struct model *model_new(const struct lbd_limits *limits)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->limits = *limits;
	model->services = calloc(limits->services, sizeof(*model->services));
	model->backends = calloc(limits->backends, sizeof(*model->backends));
	if (model->services && model->backends)
		return model;
	model_free(model);
	return NULL;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	guard_release(model->guard);
	free(model->services);
	free(model->backends);
	free(model);
}

struct model *model_copy(const struct model *model)
{
	struct model *copy = model_new(&model->limits);
	struct service *services;
	struct backend *backends;

	if (!copy)
		return NULL;
	services = copy->services;
	backends = copy->backends;
	memcpy(services, model->services, model->limits.services * sizeof(*services));
	memcpy(backends, model->backends, model->limits.backends * sizeof(*backends));
	*copy = *model;
	copy->services = services;
	copy->backends = backends;
	guard_hold(copy->guard);
	return copy;
}

enum lbd_backend_state model_backend_state(const struct backend *backend)
{
	if (!backend->index)
		return LBD_BACKEND_NONE;
	if (backend->gone)
		return LBD_BACKEND_GONE;
	if (!backend->healthy)
		return LBD_BACKEND_DOWN;
	return backend->drain ? LBD_BACKEND_DRAINING : LBD_BACKEND_UP;
}

struct backend *model_next_backend(const struct model *model, uint16_t service,
				   const struct backend *previous)
{
	uint32_t i = previous ? previous->index + 1U : 1;

	for (; i < model->limits.backends; i++)
		if (model->backends[i].index && model->backends[i].service == service)
			return &model->backends[i];
	return NULL;
}

struct service *model_find_service(const struct model *model, const struct lbd_addr *vip,
				   uint16_t port, uint8_t protocol)
{
	for (uint32_t i = 1; i < model->limits.services; i++) {
		struct service *service = &model->services[i];

		if (service->id && service->port == port && service->protocol == protocol &&
		    lbd_addr_equal(&service->vip, vip))
			return service;
	}
	return NULL;
}

struct backend *model_find_backend(const struct model *model, uint16_t service,
				   const struct lbd_addr *addr)
{
	struct backend *backend = NULL;

	while ((backend = model_next_backend(model, service, backend)))
		if (lbd_addr_equal(&backend->addr, addr))
			return backend;
	return NULL;
}

bool model_takes_flows(const struct backend *backend)
{
	return model_backend_state(backend) == LBD_BACKEND_UP && backend->nexthop.resolved;
}

/* Those that take new flows: of the fallback, or of the others. */
static uint32_t model_members(const struct model *model, const struct service *service,
			      bool fallback, struct maglev_member *members)
{
	struct backend *backend = NULL;
	uint32_t count = 0;

	while ((backend = model_next_backend(model, service->id, backend))) {
		if (backend->fallback != fallback || !model_takes_flows(backend))
			continue;
		members[count++] = (struct maglev_member){
			.addr = backend->addr,
			.index = backend->index,
			.weight = backend->weight,
		};
	}
	return count;
}

int model_ring(const struct model *model, const struct service *service, uint16_t *ring)
{
	struct maglev_member *members = calloc(model->limits.backends, sizeof(*members));
	int placed = 0;

	if (!members)
		return -ENOMEM;
	for (int fallback = 0; fallback <= 1 && !placed; fallback++)
		placed = maglev_build(&model->pick_secret, members,
				      model_members(model, service, fallback, members), ring,
				      model->limits.ring_size);
	free(members);
	return placed;
}

static uint32_t model_selection_features(const struct service *service)
{
	uint32_t features = 0;

	if (service->hash != LBD_HASH_5_TUPLE)
		features |= LBD_FEATURE_HASH;
	if (service->sticky_s)
		features |= LBD_FEATURE_STICKY;
	if (service->down != LBD_DOWN_KEEP)
		features |= LBD_FEATURE_DOWN;
	if (service->own_timeouts)
		features |= LBD_FEATURE_TIMEOUTS;
	return features;
}

static bool model_limited(const struct config_rates *rates)
{
	return rates->packets || rates->new;
}

static bool model_has_quic(const struct service *service)
{
	for (int id = 0; id < LBD_QUIC_CONFIGS; id++)
		if (service->quic[id].server)
			return true;
	return false;
}

static const uint32_t model_forward_features[] = {
	[LBD_FORWARD_DSR] = LBD_FEATURE_DSR,	 [LBD_FORWARD_IPIP] = LBD_FEATURE_IPIP,
	[LBD_FORWARD_GUE] = LBD_FEATURE_GUE,	 [LBD_FORWARD_GRE] = LBD_FEATURE_GRE,
	[LBD_FORWARD_VXLAN] = LBD_FEATURE_VXLAN, [LBD_FORWARD_GENEVE] = LBD_FEATURE_GENEVE,
	[LBD_FORWARD_NAT] = LBD_FEATURE_NAT,
};

#define MODEL_TUNNELS                                                               \
	(LBD_FEATURE_IPIP | LBD_FEATURE_GUE | LBD_FEATURE_GRE | LBD_FEATURE_VXLAN | \
	 LBD_FEATURE_GENEVE)

static uint32_t model_service_features(const struct model *model, const struct service *service)
{
	uint32_t features = lbd_addr_is4(&service->vip) ? LBD_FEATURE_IPV4
							: LBD_FEATURE_IPV6 | LBD_FEATURE_EXTENSIONS;

	features |= model_selection_features(service);
	features |= model_forward_features[service->forward];
	features |= LBD_FEATURE_ICMP_ERRORS | LBD_FEATURE_FRAGMENTS;
	if (model->echo)
		features |= LBD_FEATURE_ECHO;
	if (model->tell_mtu && features & (MODEL_TUNNELS | LBD_FEATURE_NAT))
		features |= LBD_FEATURE_TELL_MTU;
	if (service->deny | service->allow)
		features |= LBD_FEATURE_ACL;
	if (model_limited(&model->source_limits) || model_limited(&service->limits) ||
	    model_limited(&service->source_limits))
		features |= LBD_FEATURE_LIMITS;

	if (model_has_quic(service))
		features |= LBD_FEATURE_QUIC;
	return service->port ? features : features | LBD_FEATURE_ANY_PORT;
}

static bool model_is_one_of(uint32_t ifindex, const uint32_t *ifindexes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (ifindexes[i] == ifindex)
			return true;
	return false;
}

uint32_t model_features(const struct model *model, const uint32_t *xdp_ifindexes,
			uint32_t xdp_count)
{
	uint32_t features = LBD_FEATURE_VLAN | (xdp_count > 1 ? LBD_FEATURE_REDIRECT : 0) |
			    (model->sample ? LBD_FEATURE_SAMPLE : 0);

	for (uint32_t i = 1; i < model->limits.services; i++)
		if (model->services[i].id && !model->services[i].gone)
			features |= model_service_features(model, &model->services[i]);
	for (uint32_t i = 1; i < model->limits.backends; i++)
		if (model->backends[i].nexthop.resolved &&
		    !model_is_one_of(model->backends[i].nexthop.ifindex, xdp_ifindexes, xdp_count))
			features |= LBD_FEATURE_REDIRECT;
	/* What goes out as it came in may be too big for another interface. */
	if (model->tell_mtu && features & LBD_FEATURE_REDIRECT && features & LBD_FEATURE_DSR)
		features |= LBD_FEATURE_TELL_MTU;
	return features;
}
