// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults that only the whole configuration shows. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config/check.h"
#include "lbd/types.h"
#include "model/maglev.h"

static bool rules_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static bool rules_same_family(const struct lbd_addr *a, const struct lbd_addr *b)
{
	return lbd_addr_is4(a) == lbd_addr_is4(b);
}

static bool rules_within(const struct lbd_addr *addr, const char *prefix_text)
{
	struct addr_prefix prefix;

	return !addr_parse_prefix(prefix_text, &prefix) &&
	       lbd_addr_is4(&prefix.addr) == lbd_addr_is4(addr) && addr_in_prefix(addr, &prefix);
}

/* NULL if @addr can be a host's; else what it is. */
static const char *rules_not_a_host(const struct lbd_addr *addr)
{
	static const struct {
		const char *prefix, *what;
	} special[] = {
		{ "0.0.0.0/8", "unspecified" }, { "127.0.0.0/8", "loopback" },
		{ "224.0.0.0/4", "multicast" }, { "240.0.0.0/4", "reserved" },
		{ "::/128", "unspecified" },	{ "::1/128", "loopback" },
		{ "ff00::/8", "multicast" },	{ "fe80::/10", "link-local" },
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (rules_within(addr, special[i].prefix))
			return special[i].what;
	return NULL;
}

static void rules_host(struct document *document, const struct lbd_addr *addr, const char *path)
{
	const char *what = rules_not_a_host(addr);
	char text[ADDR_TEXT_MAX];

	if (what)
		document_fault_at(document, path, "came the %s address %s, expected a host's", what,
				  addr_format(addr, text));
}

static void rules_limits(struct document *document, const struct config *config)
{
	const struct {
		const char *path;
		uint32_t value;
	} powers[] = {
		{ "limits.services", config->limits.services },
		{ "limits.backends", config->limits.backends },
		{ "limits.connections-ipv4", config->limits.connections_ipv4 },
		{ "limits.connections-ipv6", config->limits.connections_ipv6 },
	};

	for (size_t i = 0; i < sizeof(powers) / sizeof(*powers); i++)
		if (!rules_power_of_two(powers[i].value))
			document_fault_at(document, powers[i].path,
					  "came %u, expected a power of two", powers[i].value);
	if (!maglev_is_prime(config->limits.maglev))
		document_fault_at(document, "limits.maglev",
				  "came %u, expected a prime, such as 65537 or 251",
				  config->limits.maglev);
}

static void rules_room(struct document *document, const struct config *config)
{
	uint64_t backends = 0;

	for (uint32_t i = 0; i < config->services_count; i++)
		backends += config->services[i].backends_count;
	if (config->services_count > config->limits.services - 1)
		document_fault_at(document, "services",
				  "came %u services, limits.services has room for %u",
				  config->services_count, config->limits.services - 1);
	if (backends > config->limits.backends - 1)
		document_fault_at(document, "services",
				  "came %llu backends in all, limits.backends has room for %u",
				  (unsigned long long)backends, config->limits.backends - 1);
}

static void rules_tunnel(struct document *document, const struct config *config)
{
	if (!lbd_addr_is4(&config->tunnel.source_ipv4.addr))
		document_fault_at(document, "tunnel.source-ipv4", "expected an IPv4 prefix");
	if (lbd_addr_is4(&config->tunnel.source_ipv6.addr) ||
	    config->tunnel.source_ipv6.length > 64)
		document_fault_at(document, "tunnel.source-ipv6",
				  "expected an IPv6 prefix of at most 64 bits");
}

static void rules_cluster(struct document *document, const struct config *config)
{
	char path[DOCUMENT_PATH_MAX];

	if (config->cluster.peers_count && !config->cluster.listening)
		document_fault_at(document, "cluster",
				  "peers are given, but not listen: where they reach this node");
	if (config->cluster.listening && rules_not_a_host(&config->cluster.listen.addr) &&
	    !rules_within(&config->cluster.listen.addr, "127.0.0.0/8"))
		document_fault_at(document, "cluster.listen",
				  "expected a named address of this node, not one for all");
	for (uint32_t i = 0; i < config->cluster.peers_count; i++) {
		const struct config_peer *peer = &config->cluster.peers[i];

		snprintf(path, sizeof(path), "cluster.peers[%u].name", i);
		if (!strcmp(peer->name, config->node))
			document_fault_at(document, path, "\"%s\" is this node itself", peer->name);
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(peer->name, config->cluster.peers[j].name))
				document_fault_at(document, path, "\"%s\" is given twice",
						  peer->name);
	}
}

static void rules_vrrp(struct document *document, const struct config *config)
{
	char path[DOCUMENT_PATH_MAX];

	if (!config->vrrp.interface)
		return;
	rules_host(document, &config->vrrp.source, "vrrp.source");
	for (uint32_t i = 0; i < config->vrrp.peers_count; i++) {
		snprintf(path, sizeof(path), "vrrp.peers[%u]", i);
		if (!rules_same_family(&config->vrrp.peers[i], &config->vrrp.source))
			document_fault_at(document, path,
					  "not of the family of vrrp.source: VRRP adverts are of "
					  "one family");
		if (lbd_addr_equal(&config->vrrp.peers[i], &config->vrrp.source))
			document_fault_at(document, path, "is vrrp.source itself");
	}
}

/* --- services */

static void rules_health(struct document *document, const struct config_service *service,
			 const char *path)
{
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "%.100s.health.timeout", path);
	if (service->health.timeout_ms > service->health.interval_ms)
		document_fault_at(document, at, "came %u ms, expected at most the interval, %u ms",
				  service->health.timeout_ms, service->health.interval_ms);
	snprintf(at, sizeof(at), "%.100s.health", path);
	if (service->health.enabled && !service->port && !service->health.port)
		document_fault_at(document, at,
				  "the service has port any: give health a port, or check: none");
}

static void rules_backend(struct document *document, const struct config_service *service,
			  uint32_t n, const char *path)
{
	const struct config_backend *backend = &service->backends[n];
	char at[DOCUMENT_PATH_MAX], text[ADDR_TEXT_MAX];

	snprintf(at, sizeof(at), "%.100s.backends[%u].address", path, n);
	rules_host(document, &backend->addr, at);
	if (lbd_addr_equal(&backend->addr, &service->vip))
		document_fault_at(document, at, "is the VIP itself; expected the backend's own");
	if (service->forward == LBD_FORWARD_DSR &&
	    !rules_same_family(&backend->addr, &service->vip))
		document_fault_at(document, at,
				  "not of the VIP's family, which dsr needs; forward: ipip can");
	for (uint32_t i = 0; i < n; i++) {
		if (lbd_addr_equal(&backend->addr, &service->backends[i].addr))
			document_fault_at(document, at, "%s is given twice",
					  addr_format(&backend->addr, text));
		else if (!strcmp(backend->name, service->backends[i].name))
			document_fault_at(document, at, "the name \"%s\" is given twice",
					  backend->name);
	}
}

static void rules_twice(struct document *document, const struct config *config, uint32_t n,
			const char *path)
{
	const struct config_service *service = &config->services[n];
	char at[DOCUMENT_PATH_MAX];

	for (uint32_t i = 0; i < n; i++) {
		const struct config_service *other = &config->services[i];

		snprintf(at, sizeof(at), "%.100s.name", path);
		if (!strcmp(service->name, other->name))
			document_fault_at(document, at, "\"%s\" is given twice", service->name);
		snprintf(at, sizeof(at), "%.100s.vip", path);
		if (lbd_addr_equal(&service->vip, &other->vip) && service->port == other->port &&
		    service->protocol == other->protocol)
			document_fault_at(document, at,
					  "address, port and protocol are those of service %s",
					  other->name);
	}
}

static void rules_service(struct document *document, const struct config *config, uint32_t n)
{
	const struct config_service *service = &config->services[n];
	char path[DOCUMENT_PATH_MAX], at[DOCUMENT_PATH_MAX];

	snprintf(path, sizeof(path), "services[%u]", n);
	snprintf(at, sizeof(at), "%.100s.vip", path);
	rules_host(document, &service->vip, at);
	rules_twice(document, config, n, path);
	rules_health(document, service, path);
	for (uint32_t i = 0; i < service->backends_count; i++)
		rules_backend(document, service, i, path);
}

void rules_check(struct document *document, const struct config *config)
{
	rules_limits(document, config);
	rules_room(document, config);
	rules_tunnel(document, config);
	rules_cluster(document, config);
	rules_vrrp(document, config);
	for (uint32_t n = 0; n < config->services_count; n++)
		rules_service(document, config, n);
}
