// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <stdlib.h>

#include "config/guard.h"
#include "config/load_text.h"
#include "config/value.h"

static bool load_health_enabled(const struct raw_health *raw, const struct config_service *service,
				const struct key *keys)
{
	if (raw->check)
		return value_choice(keys_find(keys, "check"), raw->check) == 0;
	return service->protocol == IPPROTO_TCP || raw->port;
}

static void load_health(const struct raw_health *raw, struct config_service *service,
			const struct key *keys)
{
	struct config_health *health = &service->health;

	health->enabled = load_health_enabled(raw, service, keys);
	health->port = raw->port ? (uint16_t)value_number(raw->port) : 0;
	health->interval_ms = value_duration_ms(load_text(raw->interval, keys, "interval"));
	health->timeout_ms = value_duration_ms(load_text(raw->timeout, keys, "timeout"));
	health->rise = value_number(load_text(raw->rise, keys, "rise"));
	health->fall = value_number(load_text(raw->fall, keys, "fall"));
}

/* More than there is room for are counted, for the rules to refuse. */
static void load_server_ids(const struct raw_backend *raw, struct config_backend *backend)
{
	backend->server_ids_count = raw->server_ids_count;
	for (uint32_t i = 0; i < raw->server_ids_count && i < CONFIG_SERVER_IDS_MAX; i++)
		backend->server_ids[i].length =
			value_octets(raw->server_ids[i], backend->server_ids[i].octets);
}

static void load_backend(const struct raw_backend *raw, struct config_backend *backend,
			 const struct key *keys, bool fallback)
{
	char text[ADDR_TEXT_MAX];

	addr_parse(raw->address, &backend->addr);
	backend->name = load_copy(raw->name ? raw->name : addr_format(&backend->addr, text));
	backend->port = raw->port ? (uint16_t)value_number(raw->port) : 0;
	backend->weight = value_number(load_text(raw->weight, keys, "weight"));
	backend->drain = value_bool(load_text(raw->drain, keys, "drain"));
	backend->fallback = fallback;
	backend->has_mac = raw->mac != NULL;
	if (raw->mac)
		value_mac(raw->mac, backend->mac);
	load_server_ids(raw, backend);
}

static void load_backends(const struct raw_service *raw, struct config_service *service,
			  const struct key *keys)
{
	const uint32_t normal = raw->backends_count, all = normal + raw->fallback_count;

	service->backends = calloc(all, sizeof(*service->backends));
	if (!service->backends)
		return;
	service->backends_count = all;
	for (uint32_t i = 0; i < normal; i++)
		load_backend(&raw->backends[i], &service->backends[i], keys, false);
	for (uint32_t i = normal; i < all; i++)
		load_backend(&raw->fallback[i - normal], &service->backends[i], keys, true);
}

/* Clients that are told apart by their whole address; an IPv6 one has many within its /64. */
static void load_hash(const struct raw_service *raw, struct config_service *service)
{
	const bool is4 = lbd_addr_is4(&service->vip);

	service->hash = LBD_HASH_5_TUPLE;
	if (raw->hash)
		service->hash = value_hash(raw->hash, &service->prefix);
	else if (raw->sticky)
		service->hash = is4 ? LBD_HASH_SOURCE : LBD_HASH_PREFIX;
	if (service->hash == LBD_HASH_PREFIX && !service->prefix)
		service->prefix = is4 ? 24 : 64;
}

/* 0 where the file is silent. */
static uint32_t load_own_seconds(const char *given)
{
	return given ? (value_duration_ms(given) + 999) / 1000 : 0;
}

static void load_service_timeouts(const struct raw_service_timeouts *raw,
				  struct config_service *service)
{
	service->timeouts.idle = load_own_seconds(raw->idle);
	service->timeouts.closing = load_own_seconds(raw->closing);
	service->timeouts.unconfirmed = load_own_seconds(raw->unconfirmed);
}

static void load_quic(const struct raw_quic *raw, struct config_service *service)
{
	if (!raw)
		return;
	service->quic = calloc(raw->configs_count, sizeof(*service->quic));
	if (!service->quic)
		return;
	service->quic_count = raw->configs_count;
	for (uint32_t i = 0; i < raw->configs_count; i++)
		service->quic[i] = (struct config_quic){
			.id = (uint8_t)value_number(raw->configs[i].id),
			.server_id_length = (uint8_t)value_number(raw->configs[i].server_id_length),
			.nonce_length = (uint8_t)value_number(raw->configs[i].nonce_length),
		};
}

static void load_service(const struct raw_service *raw, struct config_service *service)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP }; /* order of choices */
	static const struct raw_service_timeouts no_timeouts;
	static const struct raw_health silent;
	const struct key *keys = load_children("services");

	service->name = load_copy(raw->name);
	addr_parse(raw->vip, &service->vip);
	service->port = value_port(raw->port);
	service->protocol = protocols[value_choice(keys_find(keys, "protocol"),
						   load_text(raw->protocol, keys, "protocol"))];
	service->forward = (uint8_t)value_choice(keys_find(keys, "forward"),
						 load_text(raw->forward, keys, "forward"));
	guard_load_service(raw, service);
	service->vni = raw->vni ? value_number(raw->vni) : 0;
	load_hash(raw, service);
	service->sticky = load_own_seconds(raw->sticky);
	service->down =
		(uint8_t)value_choice(keys_find(keys, "down"), load_text(raw->down, keys, "down"));
	load_service_timeouts(raw->timeouts ? raw->timeouts : &no_timeouts, service);
	load_health(raw->health ? raw->health : &silent, service,
		    keys_find(keys, "health")->children);
	load_quic(raw->quic, service);
	load_backends(raw, service, keys_find(keys, "backends")->children);
}

void load_services(const struct raw_config *raw, struct config *config)
{
	config->services = calloc(raw->services_count, sizeof(*config->services));
	if (!config->services)
		return;
	config->services_count = raw->services_count;
	for (uint32_t i = 0; i < raw->services_count; i++)
		load_service(&raw->services[i], &config->services[i]);
}
