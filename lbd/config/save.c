// SPDX-License-Identifier: GPL-2.0-or-later
/* struct config back to text values, and through libcyaml to a file that appears whole. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config/config.h"
#include "config/guard.h"
#include "config/schema.h"
#include "config/value.h"

char *save_text(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

static char *save_addr(const struct lbd_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return save_text("%s", addr_format(addr, text));
}

char *save_prefix(const struct addr_prefix *prefix)
{
	char text[ADDR_TEXT_MAX];

	return save_text("%s", addr_format_prefix(prefix, text));
}

static char *save_endpoint(const struct addr_endpoint *endpoint)
{
	char text[ADDR_TEXT_MAX];

	return save_text("%s", addr_format_endpoint(&endpoint->addr, endpoint->port, text));
}

static char *save_mac(const uint8_t mac[6])
{
	return save_text("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
			 mac[5]);
}

char *save_duration(uint32_t ms)
{
	char text[VALUE_TEXT_MAX];

	return save_text("%s", value_format_duration(ms, text));
}

static char *save_octets(const struct config_server_id *id)
{
	char text[VALUE_TEXT_MAX];

	return save_text("%s", value_format_octets(id->octets, id->length, text));
}

static char *save_choice(const struct key *keys, const char *name, uint32_t n)
{
	char text[VALUE_TEXT_MAX];

	return save_text("%s", value_format_choice(keys_find(keys, name), n, text));
}

static struct raw_xdp *save_xdp(const struct config *config)
{
	struct raw_xdp *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->mode = save_choice(keys_find(keys_top, "xdp")->children, "mode", config->xdp.mode);
	raw->interfaces = calloc(config->xdp.interfaces_count, sizeof(char *));
	for (uint32_t i = 0; raw->interfaces && i < config->xdp.interfaces_count; i++)
		raw->interfaces[raw->interfaces_count++] =
			save_text("%s", config->xdp.interfaces[i]);
	return raw;
}

static struct raw_limits *save_limits(const struct config *config)
{
	struct raw_limits *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->services = save_text("%u", config->limits.services);
	raw->backends = save_text("%u", config->limits.backends);
	raw->connections_ipv4 = save_text("%u", config->limits.connections_ipv4);
	raw->connections_ipv6 = save_text("%u", config->limits.connections_ipv6);
	raw->nat_ipv4 = save_text("%u", config->limits.nat_ipv4);
	raw->nat_ipv6 = save_text("%u", config->limits.nat_ipv6);
	raw->sticky = save_text("%u", config->limits.sticky);
	raw->maglev = save_text("%u", config->limits.maglev);
	raw->prefixes = save_text("%u", config->limits.prefixes);
	raw->sources = save_text("%u", config->limits.sources);
	return raw;
}

static struct raw_timeouts *save_timeouts(const struct config *config)
{
	struct raw_timeouts *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->tcp = save_text("%us", config->timeouts.tcp);
	raw->udp = save_text("%us", config->timeouts.udp);
	raw->closing = save_text("%us", config->timeouts.closing);
	raw->unconfirmed = save_text("%us", config->timeouts.unconfirmed);
	return raw;
}

static struct raw_tunnel *save_tunnel(const struct config *config)
{
	struct raw_tunnel *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->source_ipv4 = save_prefix(&config->tunnel.source_ipv4);
	raw->source_ipv6 = save_prefix(&config->tunnel.source_ipv6);
	raw->gue_port = save_text("%u", config->tunnel.gue_port);
	raw->vxlan_port = save_text("%u", config->tunnel.vxlan_port);
	raw->geneve_port = save_text("%u", config->tunnel.geneve_port);
	raw->mac = save_mac(config->tunnel.mac);
	return raw;
}

static struct raw_icmp *save_icmp(const struct config *config)
{
	struct raw_icmp *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->echo = save_text("%s", config->icmp.echo ? "true" : "false");
	raw->tell_mtu = save_text("%s", config->icmp.tell_mtu ? "true" : "false");
	raw->rate = save_text("%u", config->icmp.rate);
	return raw;
}

static struct raw_fragments *save_fragments(const struct config *config)
{
	struct raw_fragments *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->timeout = save_duration(config->fragments.timeout_ms);
	raw->memory = save_text("%u", config->fragments.memory_kib);
	return raw;
}

static struct raw_upgrade *save_upgrade(const struct config *config)
{
	struct raw_upgrade *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->watch = save_duration(config->upgrade.watch_ms);
	raw->canary_time = save_duration(config->upgrade.canary_ms);
	return raw;
}

static struct raw_nat *save_nat(const struct config *config)
{
	struct raw_nat *raw;

	if (!config->nat.addresses_count)
		return NULL;
	raw = calloc(1, sizeof(*raw));
	if (!raw)
		return NULL;
	raw->ports = save_text("%u-%u", config->nat.ports.first, config->nat.ports.last);
	raw->addresses = calloc(config->nat.addresses_count, sizeof(char *));
	for (uint32_t i = 0; raw->addresses && i < config->nat.addresses_count; i++)
		raw->addresses[raw->addresses_count++] = save_addr(&config->nat.addresses[i]);
	return raw;
}

static void save_peer(const struct config_peer *peer, struct raw_peer *raw)
{
	raw->name = save_text("%s", peer->name);
	raw->address = save_endpoint(&peer->address);
	if (peer->keys_count)
		raw->keys = calloc(peer->keys_count, sizeof(char *));
	for (uint32_t i = 0; raw->keys && i < peer->keys_count; i++)
		raw->keys[raw->keys_count++] = save_text("%s", peer->keys[i]);
}

static struct raw_cluster *save_cluster(const struct config *config)
{
	struct raw_cluster *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	if (config->cluster.secret_file)
		raw->secret_file = save_text("%s", config->cluster.secret_file);
	raw->security = save_choice(keys_find(keys_top, "cluster")->children, "security",
				    config->cluster.security);
	if (config->cluster.key_file)
		raw->key_file = save_text("%s", config->cluster.key_file);
	if (config->cluster.listening)
		raw->listen = save_endpoint(&config->cluster.listen);
	raw->patience = save_duration(config->cluster.patience_ms);
	raw->bandwidth = save_text("%u", config->cluster.bandwidth);
	raw->cpu = save_text("%u", config->cluster.cpu);
	if (config->cluster.peers_count)
		raw->peers = calloc(config->cluster.peers_count, sizeof(*raw->peers));
	for (uint32_t i = 0; raw->peers && i < config->cluster.peers_count; i++)
		save_peer(&config->cluster.peers[i], &raw->peers[raw->peers_count++]);
	return raw;
}

static struct raw_vrrp *save_vrrp(const struct config *config)
{
	struct raw_vrrp *raw;

	if (!config->vrrp.interface)
		return NULL;
	raw = calloc(1, sizeof(*raw));
	if (!raw)
		return NULL;
	raw->interface = save_text("%s", config->vrrp.interface);
	raw->router_id = save_text("%u", config->vrrp.router_id);
	raw->priority = save_text("%u", config->vrrp.priority);
	raw->advert = save_duration(config->vrrp.advert_ms);
	raw->source = save_addr(&config->vrrp.source);
	raw->peers = calloc(config->vrrp.peers_count, sizeof(char *));
	for (uint32_t i = 0; raw->peers && i < config->vrrp.peers_count; i++)
		raw->peers[raw->peers_count++] = save_addr(&config->vrrp.peers[i]);
	return raw;
}

static struct raw_health *save_health(const struct config_health *health)
{
	struct raw_health *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->check = save_text("%s", health->enabled ? "tcp" : "none");
	if (health->port)
		raw->port = save_text("%u", health->port);
	raw->interval = save_duration(health->interval_ms);
	raw->timeout = save_duration(health->timeout_ms);
	raw->rise = save_text("%u", health->rise);
	raw->fall = save_text("%u", health->fall);
	return raw;
}

static void save_backend(const struct config_backend *backend, struct raw_backend *raw)
{
	char text[ADDR_TEXT_MAX];

	/* The default name of an IPv6 backend is no valid name: leave it to the default. */
	if (strcmp(backend->name, addr_format(&backend->addr, text)) != 0)
		raw->name = save_text("%s", backend->name);
	raw->address = save_addr(&backend->addr);
	if (backend->port)
		raw->port = save_text("%u", backend->port);
	raw->weight = save_text("%u", backend->weight);
	raw->drain = save_text("%s", backend->drain ? "true" : "false");
	if (backend->has_mac)
		raw->mac = save_mac(backend->mac);
	if (backend->server_ids_count)
		raw->server_ids = calloc(backend->server_ids_count, sizeof(char *));
	for (uint32_t i = 0; raw->server_ids && i < backend->server_ids_count; i++)
		raw->server_ids[raw->server_ids_count++] = save_octets(&backend->server_ids[i]);
}

static struct raw_quic *save_quic(const struct config_service *service)
{
	struct raw_quic *raw;

	if (!service->quic_count)
		return NULL;
	raw = calloc(1, sizeof(*raw));
	if (!raw)
		return NULL;
	raw->configs = calloc(service->quic_count, sizeof(*raw->configs));
	for (uint32_t i = 0; raw->configs && i < service->quic_count; i++) {
		struct raw_quic_config *config = &raw->configs[raw->configs_count++];

		config->id = save_text("%u", service->quic[i].id);
		config->server_id_length = save_text("%u", service->quic[i].server_id_length);
		config->nonce_length = save_text("%u", service->quic[i].nonce_length);
	}
	return raw;
}

/* Those of @service that are, or aren't, for fallback. */
static struct raw_backend *save_backends(const struct config_service *service, bool fallback,
					 uint32_t *ret_count)
{
	struct raw_backend *raw = calloc(service->backends_count, sizeof(*raw));

	for (uint32_t i = 0; raw && i < service->backends_count; i++)
		if (service->backends[i].fallback == fallback)
			save_backend(&service->backends[i], &raw[(*ret_count)++]);
	return raw;
}

static char *save_own_seconds(uint32_t seconds)
{
	return seconds ? save_text("%us", seconds) : NULL;
}

static struct raw_service_timeouts *save_service_timeouts(const struct config_service *service)
{
	struct raw_service_timeouts *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->idle = save_own_seconds(service->timeouts.idle);
	raw->closing = save_own_seconds(service->timeouts.closing);
	raw->unconfirmed = save_own_seconds(service->timeouts.unconfirmed);
	return raw;
}

/* What decides which backend gets a connection, and how long it has it. */
static void save_selection(const struct config_service *service, struct raw_service *raw)
{
	const struct key *keys = keys_find(keys_top, "services")->children;
	char text[VALUE_TEXT_MAX];

	raw->hash = save_text("%s", value_format_hash(service->hash, service->prefix, text));
	raw->sticky = save_own_seconds(service->sticky);
	raw->down = save_choice(keys, "down", service->down);
	raw->timeouts = save_service_timeouts(service);
}

static void save_service(const struct config_service *service, struct raw_service *raw)
{
	const struct key *keys = keys_find(keys_top, "services")->children;

	raw->name = save_text("%s", service->name);
	raw->vip = save_addr(&service->vip);
	raw->port = service->port ? save_text("%u", service->port) : save_text("any");
	raw->protocol = save_text("%s", service->protocol == IPPROTO_UDP ? "udp" : "tcp");
	raw->forward = save_choice(keys, "forward", service->forward);
	guard_save_service(service, raw);
	if (service->vni)
		raw->vni = save_text("%u", service->vni);
	raw->health = save_health(&service->health);
	raw->quic = save_quic(service);
	save_selection(service, raw);
	raw->backends = save_backends(service, false, &raw->backends_count);
	raw->fallback = save_backends(service, true, &raw->fallback_count);
}

struct raw_config *config_raw(const struct config *config)
{
	struct raw_config *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->instance = save_text("%s", config->instance);
	raw->node = save_text("%s", config->node);
	raw->history = save_text("%u", config->history);
	raw->xdp = save_xdp(config);
	raw->limits = save_limits(config);
	raw->timeouts = save_timeouts(config);
	raw->tunnel = save_tunnel(config);
	raw->nat = save_nat(config);
	raw->icmp = save_icmp(config);
	raw->fragments = save_fragments(config);
	raw->upgrade = save_upgrade(config);
	raw->cluster = save_cluster(config);
	raw->vrrp = save_vrrp(config);
	guard_save(config, raw);
	raw->services = calloc(config->services_count + 1, sizeof(*raw->services));
	for (uint32_t i = 0; raw->services && i < config->services_count; i++)
		save_service(&config->services[i], &raw->services[raw->services_count++]);
	return raw;
}

void config_raw_free(struct raw_config *raw)
{
	struct schema schema;

	if (!raw)
		return;
	if (!schema_make(&schema))
		cyaml_free(&schema_cyaml, &schema.top, raw, 0);
	schema_free(&schema);
}

/* --- the file */

int config_format(const struct config *config, char **ret_text, size_t *ret_size, struct error *err)
{
	struct raw_config *raw = config_raw(config);
	struct schema schema;
	cyaml_err_t code;
	int rc;

	rc = schema_make(&schema);
	if (rc || !raw) {
		rc = error_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	code = cyaml_save_data(ret_text, ret_size, &schema_cyaml, &schema.top, (cyaml_data_t *)raw,
			       0);
	if (code != CYAML_OK)
		rc = error_set(err, -EIO, "the config as text: %s", cyaml_strerror(code));
out:
	cyaml_free(&schema_cyaml, &schema.top, raw, 0);
	schema_free(&schema);
	return rc;
}

int config_save(const struct config *config, const char *path, struct error *err)
{
	char *text = NULL;
	size_t size = 0;
	int rc;

	rc = config_format(config, &text, &size, err);
	if (!rc)
		rc = file_write_whole(path, text, size, err);
	free(text);
	return rc;
}
