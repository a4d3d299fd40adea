// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a config and the model before it to the model after it. Whatever has
 * the same identity keeps its id, health and next hop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"

/* An id is free again when no connection uses it, one change after it was given up. */
#define BUILD_ROOM_HINT                                                                  \
	"change fewer at once, or wait until the connections of removed ones time out; " \
	"limits.%s can be raised while packets flow: lbctl reload, or lbctl resize"

struct build {
	const struct config *config;
	const struct model *old; /* may be NULL */
	const bool *service_used;
	const bool *backend_used;
	struct model *model;
	uint32_t free_service, free_backend; /* no id below these is free */
	void *index; /* of model->backends by identity, tsearch(3): there may be 65535 */
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
		.nat4_buckets = config->limits.nat_ipv4 / LBD_BUCKET_SLOTS,
		.nat6_buckets = config->limits.nat_ipv6 / LBD_BUCKET_SLOTS,
		/*
		 * Two entries a service at most, and three a NAT address, in buckets that are a sixteenth full: so
		 * few of four slots overflow that one of a few salts fits even the largest
		 * limit. Twice as full, 16384 services would take 80,000 salts.
		 */
		.vip_buckets = build_power_of_two(8 * config->limits.services),
		.sticky_buckets = config->limits.sticky / LBD_BUCKET_SLOTS,
		.ring_size = config->limits.maglev,
		.rings = 2 * config->limits.services,
		.acl_entries = guard_room(config->limits.prefixes),
		.source_buckets = config->limits.sources / LBD_SOURCE_SLOTS,
	};
}

static void build_nat(const struct config *config, struct lbd_nat *nat)
{
	nat->first_port = config->nat.ports.first;
	nat->ports = config->nat.ports.last - config->nat.ports.first + 1U;
	for (uint32_t i = 0; i < config->nat.addresses_count; i++) {
		const struct lbd_addr *addr = &config->nat.addresses[i];
		const int family = !lbd_addr_is4(addr);

		if (nat->count[family] < LBD_NAT_ADDRS_MAX)
			nat->addrs[family][nat->count[family]++] = *addr;
	}
}

static struct lbd_tunnel build_tunnel(const struct config *config)
{
	static const uint8_t source[6] = CONFIG_TUNNEL_SOURCE_MAC;
	struct lbd_tunnel tunnel = {
		.gue_port = htons(config->tunnel.gue_port),
		.vxlan_port = htons(config->tunnel.vxlan_port),
		.geneve_port = htons(config->tunnel.geneve_port),
	};
	uint8_t *macs = (uint8_t *)tunnel.inner_macs;

	memcpy(macs, config->tunnel.mac, sizeof(config->tunnel.mac));
	memcpy(macs + sizeof(config->tunnel.mac), source, sizeof(source));
	return tunnel;
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
	b->model->echo = config->icmp.echo;
	b->model->fragment_ms = config->fragments.timeout_ms;
	build_nat(config, &b->model->nat);
	b->model->deny = guard_lists(config, &config->guard.deny);
	b->model->source_limits = config->guard.source;
	b->model->source_bits4 = config->guard.prefix_ipv4;
	b->model->source_bits6 = config->guard.prefix_ipv6;
	b->model->sample = config->guard.sample;
	b->model->tunnel = build_tunnel(config);
	b->model->tell_mtu = config->icmp.tell_mtu;
	b->model->answer_rate = config->icmp.rate;
	if (b->old)
		b->model->pick_secret = b->old->pick_secret;
}

/* The lists, read now or kept from the model before. */
static int build_guard(struct build *b)
{
	if (!b->config->lists_count)
		return 0;
	if (b->config->keep_lists && b->old && b->old->guard) {
		b->model->guard = guard_hold(b->old->guard);
		return 0;
	}
	if (b->config->lists_read) {
		b->model->guard = guard_hold(b->config->lists_read);
		return 0;
	}
	return guard_read(b->config, &b->model->guard, b->err);
}

/* --- ids */

static int build_by_identity(const void *a, const void *b)
{
	const struct backend *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

static int build_index_add(struct build *b, const struct backend *backend)
{
	return tsearch(backend, &b->index, build_by_identity) ? 0 : -ENOMEM;
}

static struct backend *build_index_find(const struct build *b, const struct service *service,
					const struct lbd_addr *addr)
{
	const struct backend wanted = { .service = service->id, .addr = *addr };
	struct backend **found = tfind(&wanted, &b->index, build_by_identity);

	return found ? *found : NULL;
}

static void build_index_keep(void *backend)
{
	(void)backend; /* the model's */
}

static void build_keep_service(struct build *b, uint32_t id)
{
	b->model->services[id] = b->old->services[id];
	b->model->services[id].gone = true;
}

/* With its service: an id that went to another one would take the backend along. */
static int build_keep_backend(struct build *b, uint32_t index)
{
	struct backend *backend = &b->model->backends[index];

	*backend = b->old->backends[index];
	if (!backend->index)
		return 0;
	backend->gone = true;
	if (backend->service < b->model->limits.services &&
	    backend->service < b->old->limits.services)
		build_keep_service(b, backend->service);
	return build_index_add(b, backend);
}

/* Everything the old model had stays, as GONE, if an entry may still point at it. */
static int build_keep_gone(struct build *b)
{
	const struct model *old = b->old;
	int rc = 0;

	if (!old)
		return 0;
	for (uint32_t i = 1; i < b->model->limits.services && i < old->limits.services; i++)
		if (!old->services[i].gone || !b->service_used || b->service_used[i])
			build_keep_service(b, i);
	for (uint32_t i = 1; i < b->model->limits.backends && i < old->limits.backends && !rc; i++)
		if (!old->backends[i].gone || !b->backend_used || b->backend_used[i])
			rc = build_keep_backend(b, i);
	return rc;
}

/* The lowest free id, 0 if there is none. Ids are only taken here, never given back. */
static uint16_t build_free_service(struct build *b)
{
	for (; b->free_service < b->model->limits.services && b->free_service <= LBD_SERVICE_ID_MAX;
	     b->free_service++)
		if (!b->model->services[b->free_service].id &&
		    !(b->service_used && b->service_used[b->free_service]))
			return (uint16_t)b->free_service;
	return 0;
}

static uint16_t build_free_backend(struct build *b)
{
	for (; b->free_backend < b->model->limits.backends; b->free_backend++)
		if (!b->model->backends[b->free_backend].index &&
		    !(b->backend_used && b->backend_used[b->free_backend]))
			return (uint16_t)b->free_backend;
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

static int build_place_backend(struct build *b, const struct service *service,
			       const struct config_backend *config, struct backend **ret)
{
	struct backend *backend = build_index_find(b, service, &config->addr);
	uint16_t index;

	*ret = backend;
	if (backend)
		return 0;
	index = build_free_backend(b);
	if (!index) {
		error_set(b->err, -ENOSPC,
			  "backend %s of service %s: all %u indexes are taken or still used by "
			  "connections",
			  config->name, service->name, b->model->limits.backends - 1);
		error_hint(b->err, BUILD_ROOM_HINT, "backends");
		return -ENOSPC;
	}
	backend = &b->model->backends[index];
	backend->index = index;
	backend->service = service->id;
	backend->addr = config->addr;
	backend->gone = true; /* until build_backend says otherwise: it has no health yet */
	*ret = backend;
	return build_index_add(b, backend) ? error_set(b->err, -ENOMEM, "out of memory") : 0;
}

/* --- contents */

static int build_backend(struct build *b, const struct service *service,
			 const struct config_backend *config)
{
	struct backend *backend;
	bool known;
	int rc;

	rc = build_place_backend(b, service, config, &backend);
	if (rc)
		return rc;
	known = b->old && backend->index < b->old->limits.backends &&
		b->old->backends[backend->index].index && !b->old->backends[backend->index].gone;
	backend->gone = false;
	backend->drain = config->drain;
	backend->fallback = config->fallback;
	backend->weight = config->weight;
	backend->port = config->port;
	snprintf(backend->name, sizeof(backend->name), "%s", config->name);
	memcpy(backend->server_ids, config->server_ids, sizeof(backend->server_ids));
	backend->server_ids_count = config->server_ids_count;
	if (!service->health.enabled)
		backend->healthy = true;
	else if (!known)
		backend->healthy = backend->checked = false;
	return 0;
}

static void build_quic(const struct config_service *config, struct service *service)
{
	memset(service->quic, 0, sizeof(service->quic));
	for (uint32_t i = 0; i < config->quic_count; i++)
		service->quic[config->quic[i].id] = (struct lbd_quic_config){
			.server = config->quic[i].server_id_length,
			.nonce = config->quic[i].nonce_length - LBD_QUIC_NONCE_MIN,
		};
}

/* IPv4 clients stand in the lower 32 bits. */
static uint8_t build_prefix(const struct config_service *config)
{
	if (config->hash == LBD_HASH_PREFIX)
		return config->prefix + (lbd_addr_is4(&config->vip) ? 96 : 0);
	return config->hash == LBD_HASH_PORT ? 0 : 128;
}

static void build_timeouts(const struct build *b, const struct config_service *config,
			   struct service *service)
{
	struct lbd_timeouts *timeouts = &service->timeouts_s;

	*timeouts = b->model->timeouts_s;
	service->own_timeouts =
		config->timeouts.idle || config->timeouts.closing || config->timeouts.unconfirmed;
	if (config->timeouts.idle)
		timeouts->tcp = timeouts->udp = config->timeouts.idle;
	if (config->timeouts.closing)
		timeouts->closing = config->timeouts.closing;
	if (config->timeouts.unconfirmed)
		timeouts->unconfirmed = config->timeouts.unconfirmed;
}

static void build_selection(const struct build *b, const struct config_service *config,
			    struct service *service)
{
	service->hash = config->hash;
	service->prefix = build_prefix(config);
	service->down = config->down;
	service->sticky_s = config->sticky;
	build_timeouts(b, config, service);
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
	service->vni = config->vni;
	service->health = config->health;
	service->limits = config->limits;
	service->source_limits = config->source_limits;
	service->deny = guard_lists(b->config, &config->deny) |
			guard_lists(b->config, &b->config->guard.deny);
	service->allow = guard_lists(b->config, &config->allow) |
			 guard_lists(b->config, &b->config->guard.allow);
	build_quic(config, service);
	build_selection(b, config, service);
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
		.free_service = LBD_SERVICE_ID_MIN,
		.free_backend = 1,
		.err = err,
	};
	int rc;

	if (!b.model)
		return error_set(err, -ENOMEM, "out of memory");
	build_globals(&b);
	rc = build_keep_gone(&b);
	if (rc)
		error_set(err, rc, "out of memory");
	if (!rc)
		rc = build_guard(&b);
	for (uint32_t i = 0; i < config->services_count && !rc; i++)
		rc = build_service(&b, &config->services[i]);
	if (rc)
		model_free(b.model);
	else
		*ret_model = b.model;
	tdestroy(b.index, build_index_keep);
	return rc;
}
