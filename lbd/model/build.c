// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a config and the model before it to the model after it. Whatever has
 * the same identity keeps its id, health and next hop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"

/* An id is free again when no connection uses it, one change after it was given up. */
#define BUILD_ROOM_HINT                                                                  \
	"change fewer at once, or wait until the connections of removed ones time out; " \
	"limits.%s can be raised after lbd --detach"

struct build {
	const struct config *config;
	const struct model *old; /* may be NULL */
	const bool *service_used;
	const bool *backend_used;
	struct model *model;
	struct error *err;
};

static uint32_t build_power_of_two(uint32_t n)
{
	uint32_t power = 64;

	while (power < n)
		power *= 2;
	return power;
}

struct lbd_limits model_limits(const struct config *config)
{
	return (struct lbd_limits){
		.services = config->limits.services,
		.backends = config->limits.backends,
		.conn4_buckets = config->limits.connections_ipv4 / LBD_BUCKET_SLOTS,
		.conn6_buckets = config->limits.connections_ipv6 / LBD_BUCKET_SLOTS,
		/*
		 * Two entries a service at most, in buckets that are a sixteenth full: so
		 * few of four slots overflow that one of a few salts fits even the largest
		 * limit. Twice as full, 16384 services would take 80,000 salts.
		 */
		.vip_buckets = build_power_of_two(8 * config->limits.services),
		.ring_size = config->limits.maglev,
		.rings = 2 * config->limits.services,
	};
}

static void build_globals(struct build *b)
{
	const struct config *config = b->config;

	b->model->timeouts_s = (struct lbd_timeouts){
		.tcp = config->timeouts.tcp,
		.udp = config->timeouts.udp,
		.closing = config->timeouts.closing,
		.unconfirmed = config->timeouts.unconfirmed,
	};
	b->model->tunnel4 = config->tunnel.source_ipv4;
	b->model->tunnel6 = config->tunnel.source_ipv6;
	if (b->old)
		b->model->pick_secret = b->old->pick_secret;
}

/* --- ids */

/* Everything the old model had stays, as GONE, if an entry may still point at it. */
static void build_keep_gone(struct build *b)
{
	struct model *model = b->model;

	if (!b->old)
		return;
	for (uint32_t i = 1; i < model->limits.services && i < b->old->limits.services; i++) {
		if (b->old->services[i].gone && b->service_used && !b->service_used[i])
			continue;
		model->services[i] = b->old->services[i];
		model->services[i].gone = true;
	}
	for (uint32_t i = 1; i < model->limits.backends && i < b->old->limits.backends; i++) {
		if (b->old->backends[i].gone && b->backend_used && !b->backend_used[i])
			continue;
		model->backends[i] = b->old->backends[i];
		model->backends[i].gone = true;
	}
}

static uint16_t build_free_service(const struct build *b)
{
	for (uint32_t i = LBD_SERVICE_ID_MIN;
	     i < b->model->limits.services && i <= LBD_SERVICE_ID_MAX; i++)
		if (!b->model->services[i].id && !(b->service_used && b->service_used[i]))
			return (uint16_t)i;
	return 0;
}

static uint16_t build_free_backend(const struct build *b)
{
	for (uint32_t i = 1; i < b->model->limits.backends; i++)
		if (!b->model->backends[i].index && !(b->backend_used && b->backend_used[i]))
			return (uint16_t)i;
	return 0;
}

static struct service *build_place_service(struct build *b, const struct config_service *config)
{
	struct service *service =
		model_find_service(b->model, &config->vip, config->port, config->protocol);
	uint16_t id;

	if (service)
		return service;
	id = build_free_service(b);
	if (!id) {
		error_set(b->err, -ENOSPC,
			  "service %s: all %u ids are taken or still used by connections",
			  config->name, b->model->limits.services - 1);
		error_hint(b->err, BUILD_ROOM_HINT, "services");
		return NULL;
	}
	service = &b->model->services[id];
	service->id = id;
	return service;
}

static struct backend *build_place_backend(struct build *b, const struct service *service,
					   const struct config_backend *config)
{
	struct backend *backend = model_find_backend(b->model, service->id, &config->addr);
	uint16_t index;

	if (backend)
		return backend;
	index = build_free_backend(b);
	if (!index) {
		error_set(b->err, -ENOSPC,
			  "backend %s of service %s: all %u indexes are taken or still used by "
			  "connections",
			  config->name, service->name, b->model->limits.backends - 1);
		error_hint(b->err, BUILD_ROOM_HINT, "backends");
		return NULL;
	}
	backend = &b->model->backends[index];
	backend->index = index;
	backend->service = service->id;
	backend->addr = config->addr;
	backend->gone = true; /* until build_backend says otherwise: it has no health yet */
	return backend;
}

/* --- contents */

static int build_backend(struct build *b, const struct service *service,
			 const struct config_backend *config)
{
	struct backend *backend = build_place_backend(b, service, config);
	bool known;

	if (!backend)
		return -ENOSPC;
	known = b->old && backend->index < b->old->limits.backends &&
		b->old->backends[backend->index].index && !b->old->backends[backend->index].gone;
	backend->gone = false;
	backend->drain = config->drain;
	backend->weight = config->weight;
	snprintf(backend->name, sizeof(backend->name), "%s", config->name);
	if (!service->health.enabled)
		backend->healthy = true;
	else if (!known)
		backend->healthy = backend->checked = false;
	return 0;
}

static int build_service(struct build *b, const struct config_service *config)
{
	struct service *service = build_place_service(b, config);
	int rc = 0;

	if (!service)
		return -ENOSPC;
	service->gone = false;
	service->vip = config->vip;
	service->port = config->port;
	service->protocol = config->protocol;
	service->forward = config->forward;
	service->health = config->health;
	snprintf(service->name, sizeof(service->name), "%s", config->name);
	for (uint32_t i = 0; i < config->backends_count && !rc; i++)
		rc = build_backend(b, service, &config->backends[i]);
	return rc;
}

int model_build(const struct config *config, const struct model *old, const bool *service_used,
		const bool *backend_used, struct model **ret_model, struct error *err)
{
	const struct lbd_limits limits = model_limits(config);
	struct build b = {
		.config = config,
		.old = old,
		.service_used = service_used,
		.backend_used = backend_used,
		.model = model_new(&limits),
		.err = err,
	};
	int rc = 0;

	if (!b.model)
		return error_set(err, -ENOMEM, "out of memory");
	build_globals(&b);
	build_keep_gone(&b);
	for (uint32_t i = 0; i < config->services_count && !rc; i++)
		rc = build_service(&b, &config->services[i]);
	if (rc)
		model_free(b.model);
	else
		*ret_model = b.model;
	return rc;
}
