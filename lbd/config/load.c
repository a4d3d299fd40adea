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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/check.h"
#include "config/config.h"
#include "config/guard.h"
#include "config/load_text.h"
#include "config/schema.h"
#include "config/value.h"

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
