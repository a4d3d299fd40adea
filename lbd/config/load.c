// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   text -> document (syntax) -> check (each key) -> libcyaml -> raw text values
 *        -> struct config, with defaults -> rules (the whole)
 *
 * Faults are collected as far as it makes sense to go on; a config comes out
 * only if there was none.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/check.h"
#include "config/config.h"
#include "config/guard.h"
#include "config/schema.h"
#include "config/value.h"

/* The text of a key: from the file, or its default from the table. */
static const char *load_text(const char *given, const struct key *keys, const char *name)
{
	return given ? given : keys_find(keys, name)->standard;
}

static const struct key *load_children(const char *name)
{
	return keys_find(keys_top, name)->children;
}

static char *load_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void load_xdp(const struct raw_xdp *raw, struct config *config)
{
	const struct key *keys = load_children("xdp");

	config->xdp.interfaces = calloc(raw->interfaces_count, sizeof(char *));
	if (!config->xdp.interfaces)
		return;
	config->xdp.interfaces_count = raw->interfaces_count;
	for (uint32_t i = 0; i < raw->interfaces_count; i++)
		config->xdp.interfaces[i] = load_copy(raw->interfaces[i]);
	config->xdp.mode = (enum config_xdp_mode)value_choice(keys_find(keys, "mode"),
							      load_text(raw->mode, keys, "mode"));
}

static void load_limits(const struct raw_limits *raw, struct config *config)
{
	const struct key *keys = load_children("limits");

	config->limits.services = value_number(load_text(raw->services, keys, "services"));
	config->limits.backends = value_number(load_text(raw->backends, keys, "backends"));
	config->limits.connections_ipv4 =
		value_number(load_text(raw->connections_ipv4, keys, "connections-ipv4"));
	config->limits.connections_ipv6 =
		value_number(load_text(raw->connections_ipv6, keys, "connections-ipv6"));
	config->limits.nat_ipv4 = value_number(load_text(raw->nat_ipv4, keys, "nat-ipv4"));
	config->limits.nat_ipv6 = value_number(load_text(raw->nat_ipv6, keys, "nat-ipv6"));
	config->limits.sticky = value_number(load_text(raw->sticky, keys, "sticky"));
	config->limits.maglev = value_number(load_text(raw->maglev, keys, "maglev"));
	config->limits.prefixes = value_number(load_text(raw->prefixes, keys, "prefixes"));
	config->limits.sources = value_number(load_text(raw->sources, keys, "sources"));
}

static uint32_t load_seconds(const char *given, const struct key *keys, const char *name)
{
	return (value_duration_ms(load_text(given, keys, name)) + 999) / 1000;
}

static void load_timeouts(const struct raw_timeouts *raw, struct config *config)
{
	const struct key *keys = load_children("timeouts");

	config->timeouts.tcp = load_seconds(raw->tcp, keys, "tcp");
	config->timeouts.udp = load_seconds(raw->udp, keys, "udp");
	config->timeouts.closing = load_seconds(raw->closing, keys, "closing");
	config->timeouts.unconfirmed = load_seconds(raw->unconfirmed, keys, "unconfirmed");
}

static uint16_t load_port(const char *given, const struct key *keys, const char *name)
{
	return (uint16_t)value_number(load_text(given, keys, name));
}

static void load_tunnel(const struct raw_tunnel *raw, struct config *config)
{
	const struct key *keys = load_children("tunnel");

	addr_parse_prefix(load_text(raw->source_ipv4, keys, "source-ipv4"),
			  &config->tunnel.source_ipv4);
	addr_parse_prefix(load_text(raw->source_ipv6, keys, "source-ipv6"),
			  &config->tunnel.source_ipv6);
	config->tunnel.gue_port = load_port(raw->gue_port, keys, "gue-port");
	config->tunnel.vxlan_port = load_port(raw->vxlan_port, keys, "vxlan-port");
	config->tunnel.geneve_port = load_port(raw->geneve_port, keys, "geneve-port");
	value_mac(load_text(raw->mac, keys, "mac"), config->tunnel.mac);
}

static void load_icmp(const struct raw_icmp *raw, struct config *config)
{
	const struct key *keys = load_children("icmp");

	config->icmp.echo = value_bool(load_text(raw->echo, keys, "echo"));
	config->icmp.tell_mtu = value_bool(load_text(raw->tell_mtu, keys, "tell-mtu"));
	config->icmp.rate = value_number(load_text(raw->rate, keys, "rate"));
}

static void load_fragments(const struct raw_fragments *raw, struct config *config)
{
	const struct key *keys = load_children("fragments");

	config->fragments.timeout_ms = value_duration_ms(load_text(raw->timeout, keys, "timeout"));
	config->fragments.memory_kib = value_number(load_text(raw->memory, keys, "memory"));
}

static void load_upgrade(const struct raw_upgrade *raw, struct config *config)
{
	const struct key *keys = load_children("upgrade");

	config->upgrade.watch_ms = value_duration_ms(load_text(raw->watch, keys, "watch"));
	config->upgrade.canary_ms =
		value_duration_ms(load_text(raw->canary_time, keys, "canary-time"));
}

static int load_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lbd_addr));
}

static void load_nat(const struct raw_nat *raw, struct config *config)
{
	config->nat.ports = value_ports(load_text(raw->ports, load_children("nat"), "ports"));
	config->nat.addresses = calloc(raw->addresses_count + 1U, sizeof(struct lbd_addr));
	if (!config->nat.addresses)
		return;
	config->nat.addresses_count = raw->addresses_count;
	for (uint32_t i = 0; i < raw->addresses_count; i++)
		addr_parse(raw->addresses[i], &config->nat.addresses[i]);
	qsort(config->nat.addresses, raw->addresses_count, sizeof(struct lbd_addr), load_compare);
}

/* More than there is room for are counted, for the rules to refuse. */
static void load_peer(const struct raw_peer *raw, struct config_peer *peer)
{
	peer->name = load_copy(raw->name);
	addr_parse_endpoint(raw->address, &peer->address);
	peer->keys_count = raw->keys_count;
	for (uint32_t i = 0; i < raw->keys_count && i < CONFIG_PEER_KEYS_MAX; i++)
		snprintf(peer->keys[i], sizeof(peer->keys[i]), "%s", raw->keys[i]);
}

static void load_cluster(const struct raw_cluster *raw, struct config *config)
{
	const struct key *keys = load_children("cluster");

	config->cluster.secret_file = load_copy(raw->secret_file);
	config->cluster.security = value_choice(keys_find(keys, "security"),
						load_text(raw->security, keys, "security"));
	config->cluster.key_file = load_copy(raw->key_file);
	config->cluster.listening = raw->listen != NULL;
	if (raw->listen)
		addr_parse_endpoint(raw->listen, &config->cluster.listen);
	config->cluster.patience_ms = value_duration_ms(load_text(raw->patience, keys, "patience"));
	config->cluster.bandwidth = value_number(load_text(raw->bandwidth, keys, "bandwidth"));
	config->cluster.cpu = value_number(load_text(raw->cpu, keys, "cpu"));
	config->cluster.peers = calloc(raw->peers_count, sizeof(*config->cluster.peers));
	if (!config->cluster.peers)
		return;
	config->cluster.peers_count = raw->peers_count;
	for (uint32_t i = 0; i < raw->peers_count; i++)
		load_peer(&raw->peers[i], &config->cluster.peers[i]);
}

static void load_vrrp(const struct raw_vrrp *raw, struct config *config)
{
	const struct key *keys = load_children("vrrp");

	config->vrrp.interface = load_copy(raw->interface);
	config->vrrp.router_id = value_number(raw->router_id);
	config->vrrp.priority = value_number(load_text(raw->priority, keys, "priority"));
	config->vrrp.advert_ms = value_duration_ms(load_text(raw->advert, keys, "advert"));
	addr_parse(raw->source, &config->vrrp.source);
	config->vrrp.peers = calloc(raw->peers_count, sizeof(*config->vrrp.peers));
	if (!config->vrrp.peers)
		return;
	config->vrrp.peers_count = raw->peers_count;
	for (uint32_t i = 0; i < raw->peers_count; i++)
		addr_parse(raw->peers[i], &config->vrrp.peers[i]);
}

/* --- services */

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

static void load_services(const struct raw_config *raw, struct config *config)
{
	config->services = calloc(raw->services_count, sizeof(*config->services));
	if (!config->services)
		return;
	config->services_count = raw->services_count;
	for (uint32_t i = 0; i < raw->services_count; i++)
		load_service(&raw->services[i], &config->services[i]);
}

static char *load_node(const struct raw_config *raw)
{
	char host[CONFIG_NAME_MAX] = "";

	if (raw->node)
		return load_copy(raw->node);
	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	return load_copy(*host ? host : "node");
}

static struct config *load_convert(const struct raw_config *raw)
{
	static const struct raw_limits no_limits;
	static const struct raw_timeouts no_timeouts;
	static const struct raw_tunnel no_tunnel;
	static const struct raw_nat no_nat;
	static const struct raw_icmp no_icmp;
	static const struct raw_fragments no_fragments;
	static const struct raw_upgrade no_upgrade;
	static const struct raw_cluster no_cluster;
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->instance = load_copy(load_text(raw->instance, keys_top, "instance"));
	config->node = load_node(raw);
	config->history = value_number(load_text(raw->history, keys_top, "history"));
	load_xdp(raw->xdp, config);
	load_limits(raw->limits ? raw->limits : &no_limits, config);
	load_timeouts(raw->timeouts ? raw->timeouts : &no_timeouts, config);
	load_tunnel(raw->tunnel ? raw->tunnel : &no_tunnel, config);
	load_nat(raw->nat ? raw->nat : &no_nat, config);
	load_icmp(raw->icmp ? raw->icmp : &no_icmp, config);
	load_fragments(raw->fragments ? raw->fragments : &no_fragments, config);
	load_upgrade(raw->upgrade ? raw->upgrade : &no_upgrade, config);
	load_cluster(raw->cluster ? raw->cluster : &no_cluster, config);
	if (raw->vrrp)
		load_vrrp(raw->vrrp, config);
	guard_load(raw, config);
	load_services(raw, config);
	return config;
}

/* Did every copy of what is required get its memory? */
static bool load_complete(const struct raw_config *raw, const struct config *config)
{
	bool complete = config->instance && config->node && config->nat.addresses &&
			config->xdp.interfaces_count == raw->xdp->interfaces_count &&
			config->services_count == raw->services_count &&
			guard_complete(raw, config);

	for (uint32_t i = 0; complete && i < config->xdp.interfaces_count; i++)
		complete = config->xdp.interfaces[i];
	for (uint32_t i = 0; complete && i < config->cluster.peers_count; i++)
		complete = config->cluster.peers[i].name;
	for (uint32_t i = 0; complete && i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];

		complete = service->name &&
			   service->backends_count == raw->services[i].backends_count +
							      raw->services[i].fallback_count &&
			   !service->quic == !raw->services[i].quic;
		for (uint32_t j = 0; complete && j < service->backends_count; j++)
			complete = service->backends[j].name;
	}
	return complete;
}

/* --- the way through */

static int load_raw(const char *text, size_t size, const char *name, struct config **ret,
		    struct error *err)
{
	struct raw_config *raw = NULL;
	struct schema schema;
	cyaml_err_t code;
	int rc;

	rc = schema_make(&schema);
	if (rc)
		goto out;
	code = cyaml_load_data((const uint8_t *)text, size, &schema_cyaml, &schema.top,
			       (cyaml_data_t **)&raw, NULL);
	if (code != CYAML_OK) {
		rc = error_set(err, -EINVAL, "%s: %s", name, cyaml_strerror(code));
		goto out;
	}
	*ret = load_convert(raw);
	rc = *ret && load_complete(raw, *ret) ? 0 : -ENOMEM;
	if (rc) {
		config_free(*ret);
		*ret = NULL;
	}
	cyaml_free(&schema_cyaml, &schema.top, raw, 0);
out:
	schema_free(&schema);
	return rc == -ENOMEM ? error_set(err, rc, "out of memory") : rc;
}

static int load_checked(struct document *document, const char *text, size_t size,
			struct config **ret, struct error *err)
{
	struct config *config = NULL;
	int rc;

	check_document(document);
	if (document->faults)
		return -EINVAL;
	rc = load_raw(text, size, document->name, &config, err);
	if (rc)
		return rc;
	rules_check(document, config);
	if (document->faults) {
		config_free(config);
		return -EINVAL;
	}
	*ret = config;
	return 0;
}

int config_parse(const char *text, size_t size, const char *name, struct config **ret_config,
		 struct error *err)
{
	struct document document;
	int rc;

	rc = document_open(&document, text, size, name, err);
	if (rc)
		return rc;
	rc = load_checked(&document, text, size, ret_config, err);
	if (!rc)
		(*ret_config)->text_hash = config_hash(text, size);
	document_close(&document);
	return rc;
}

static int load_open(const char *path, size_t *ret_size, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	if (fd < 0)
		return error_errno(err, -errno, "%s", path);
	if (fstat(fd, &st))
		rc = error_errno(err, -errno, "%s", path);
	else if (!S_ISREG(st.st_mode))
		rc = error_set(err, -EINVAL, "%s: expected a regular file", path);
	else if (st.st_size > DOCUMENT_SIZE_MAX)
		rc = error_set(err, -EINVAL, "%s: %lld bytes, expected at most %u", path,
			       (long long)st.st_size, DOCUMENT_SIZE_MAX);
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_size = (size_t)st.st_size;
	return fd;
}

/* The whole text of a file, the caller's. */
static int load_file(const char *path, char **ret, size_t *ret_size, struct error *err)
{
	int fd = load_open(path, ret_size, err), rc;

	if (fd < 0)
		return fd;
	*ret = malloc(*ret_size + 1);
	rc = *ret ? file_read_whole(fd, path, *ret, *ret_size, err)
		  : error_set(err, -ENOMEM, "out of memory");
	if (rc)
		free(*ret);
	close(fd);
	return rc;
}

int config_load(const char *path, struct config **ret_config, struct error *err)
{
	char *text;
	size_t size;
	int rc = load_file(path, &text, &size, err);

	if (rc)
		return rc;
	rc = config_parse(text, size, path, ret_config, err);
	free(text);
	return rc;
}

int config_hash_file(const char *path, uint64_t *ret, struct error *err)
{
	char *text;
	size_t size;
	int rc = load_file(path, &text, &size, err);

	if (rc)
		return rc;
	*ret = config_hash(text, size);
	free(text);
	return 0;
}
