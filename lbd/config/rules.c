// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults that only the whole configuration shows. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config/check.h"
#include "config/guard.h"
#include "config/keys.h"
#include "config/rules.h"
#include "config/seen.h"
#include "config/value.h"
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

void rules_host(struct document *document, const struct lbd_addr *addr, const char *path)
{
	const char *what = rules_not_a_host(addr);
	char text[ADDR_TEXT_MAX];

	if (what)
		document_fault_at(document, path, "came the %s address %s, expected a host's", what,
				  addr_format(addr, text));
}

/* Where a node listens: loopback is as good as any, for nodes that share a host. */
static void rules_endpoint(struct document *document, const struct addr_endpoint *endpoint,
			   const char *path)
{
	const char *what = rules_not_a_host(&endpoint->addr);
	char text[ADDR_TEXT_MAX];

	if (what && strcmp(what, "loopback") != 0)
		document_fault_at(document, path,
				  "came the %s address %s, expected one that names a node", what,
				  addr_format(&endpoint->addr, text));
}

/* False, and a fault: @word stands at @path a second time; @list[first] had it first. */
static bool rules_once(struct document *document, struct seen *seen, const char *word,
		       uint32_t index, const char *list, const char *path)
{
	uint32_t first = seen_add(seen, word, index);

	if (first != index)
		document_fault_at(document, path, "came \"%s\" again, %.100s[%u] has it already",
				  word, list, first);
	return first == index;
}

static void rules_node(struct document *document, const struct config *config)
{
	const struct key *key = keys_find(keys_top, "node");
	char expected[VALUE_TEXT_MAX];

	if (!value_valid(key, key->kind, config->node))
		document_fault_at(document, "node",
				  "the host's name \"%.64s\" won't do, expected %s", config->node,
				  value_expected(key, key->kind, expected));
}

static void rules_interfaces(struct document *document, const struct config *config)
{
	struct seen seen = { NULL };
	char path[DOCUMENT_PATH_MAX];

	for (uint32_t i = 0; i < config->xdp.interfaces_count; i++) {
		snprintf(path, sizeof(path), "xdp.interfaces[%u]", i);
		rules_once(document, &seen, config->xdp.interfaces[i], i, "xdp.interfaces", path);
	}
	seen_free(&seen);
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
		{ "limits.nat-ipv4", config->limits.nat_ipv4 },
		{ "limits.nat-ipv6", config->limits.nat_ipv6 },
		{ "limits.sources", config->limits.sources },
		{ "limits.sticky", config->limits.sticky },
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

/* False: so many that the other rules would take long, and for nothing. */
static bool rules_room(struct document *document, const struct config *config)
{
	const uint32_t services = config->limits.services - 1;
	const uint32_t backends = config->limits.backends - 1;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < config->services_count; i++)
		sum += config->services[i].backends_count;
	if (config->services_count > services)
		document_fault_at(document, "services",
				  "came %u services, limits.services: %u has room for %u",
				  config->services_count, services + 1, services);
	if (sum > backends)
		document_fault_at(document, "services",
				  "came %llu backends in all, limits.backends: %u has room for %u",
				  (unsigned long long)sum, backends + 1, backends);
	return config->services_count <= services && sum <= backends;
}

static void rules_tunnel_mac(struct document *document, const struct config *config)
{
	static const uint8_t source[6] = CONFIG_TUNNEL_SOURCE_MAC;

	if (!memcmp(config->tunnel.mac, source, sizeof(source)))
		document_fault_at(document, "tunnel.mac",
				  "is where the frames in tunnels come from, expected another");
}

/* Backends tell the modes apart by the port. */
static void rules_tunnel_ports(struct document *document, const struct config *config)
{
	const struct {
		const char *path;
		uint16_t port;
	} ports[] = {
		{ "tunnel.gue-port", config->tunnel.gue_port },
		{ "tunnel.vxlan-port", config->tunnel.vxlan_port },
		{ "tunnel.geneve-port", config->tunnel.geneve_port },
	};

	for (size_t i = 1; i < sizeof(ports) / sizeof(*ports); i++)
		for (size_t j = 0; j < i; j++)
			if (ports[i].port == ports[j].port)
				document_fault_at(document, ports[i].path,
						  "came %u, which %s has too; expected another",
						  ports[i].port, ports[j].path);
}

static void rules_tunnel(struct document *document, const struct config *config)
{
	const struct addr_prefix *v4 = &config->tunnel.source_ipv4;
	const struct addr_prefix *v6 = &config->tunnel.source_ipv6;

	if (!lbd_addr_is4(&v4->addr) || v4->length < 8)
		document_fault_at(document, "tunnel.source-ipv4",
				  "expected an IPv4 prefix of 8 to 32 bits");
	if (lbd_addr_is4(&v6->addr) || v6->length < 8 || v6->length > 64)
		document_fault_at(document, "tunnel.source-ipv6",
				  "expected an IPv6 prefix of 8 to 64 bits");
	rules_host(document, &v4->addr, "tunnel.source-ipv4");
	rules_host(document, &v6->addr, "tunnel.source-ipv6");
	rules_tunnel_mac(document, config);
	rules_tunnel_ports(document, config);
}

/* --- the pair */

static void rules_peer(struct document *document, const struct config *config, uint32_t n,
		       struct seen *seen)
{
	const struct config_peer *peer = &config->cluster.peers[n];
	char path[DOCUMENT_PATH_MAX], text[ADDR_TEXT_MAX];

	snprintf(path, sizeof(path), "cluster.peers[%u].name", n);
	if (!strcmp(peer->name, config->node))
		document_fault_at(document, path,
				  "\"%s\" is this node itself, expected another one", peer->name);
	rules_once(document, &seen[0], peer->name, n, "cluster.peers", path);
	snprintf(path, sizeof(path), "cluster.peers[%u].address", n);
	rules_endpoint(document, &peer->address, path);
	if (config->cluster.listening && peer->address.port == config->cluster.listen.port &&
	    lbd_addr_equal(&peer->address.addr, &config->cluster.listen.addr))
		document_fault_at(document, path,
				  "is cluster.listen itself, expected where the peer listens");
	rules_once(document, &seen[1],
		   addr_format_endpoint(&peer->address.addr, peer->address.port, text), n,
		   "cluster.peers", path);
}

static void rules_cluster(struct document *document, const struct config *config)
{
	struct seen seen[2] = { { NULL }, { NULL } };

	if (config->cluster.peers_count && !config->cluster.listening)
		document_fault_at(document, "cluster",
				  "peers are given but no listen, expected where they reach this "
				  "node");
	if (config->cluster.listening)
		rules_endpoint(document, &config->cluster.listen, "cluster.listen");
	for (uint32_t i = 0; i < config->cluster.peers_count; i++)
		rules_peer(document, config, i, seen);
	seen_free(&seen[0]);
	seen_free(&seen[1]);
}

static void rules_vrrp(struct document *document, const struct config *config)
{
	char path[DOCUMENT_PATH_MAX];

	if (!config->vrrp.interface)
		return;
	rules_host(document, &config->vrrp.source, "vrrp.source");
	for (uint32_t i = 0; i < config->vrrp.peers_count; i++) {
		snprintf(path, sizeof(path), "vrrp.peers[%u]", i);
		rules_host(document, &config->vrrp.peers[i], path);
		if (!rules_same_family(&config->vrrp.peers[i], &config->vrrp.source))
			document_fault_at(document, path,
					  "not of the family of vrrp.source: VRRP adverts are of "
					  "one family");
		if (lbd_addr_equal(&config->vrrp.peers[i], &config->vrrp.source))
			document_fault_at(document, path,
					  "is vrrp.source itself, expected another node's");
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
	if (!service->health.enabled || service->health.port)
		return;
	snprintf(at, sizeof(at), "%.100s.health", path);
	if (!service->port)
		document_fault_at(document, at,
				  "the service has port any: give health a port, or check: none");
	else if (service->protocol == IPPROTO_UDP)
		document_fault_at(document, at,
				  "a TCP connection can't check a UDP port: give health a port, "
				  "or check: none");
}

/* Would all connections go to one backend? Does the prefix fit? Can clients be told apart? */
static void rules_selection(struct document *document, const struct config_service *service,
			    const char *path)
{
	const uint8_t most = lbd_addr_is4(&service->vip) ? 32 : 128;
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "%.100s.hash", path);
	if (service->hash == LBD_HASH_PREFIX && service->prefix > most)
		document_fault_at(document, at,
				  "came a prefix of %u bits, the VIP's clients have %u",
				  service->prefix, most);
	if (service->hash == LBD_HASH_PORT && service->port)
		document_fault_at(document, at,
				  "all clients ask for port %u, so one backend would get them all: "
				  "destination-port is for port: any",
				  service->port);
	if (service->sticky && service->hash != LBD_HASH_SOURCE && service->hash != LBD_HASH_PREFIX)
		document_fault_at(document, at,
				  "sticky needs source or source-prefix: connections that a client "
				  "opens at once would part otherwise");
}

static void rules_vni(struct document *document, const struct config_service *service,
		      const char *path)
{
	const bool takes_vni =
		service->forward == LBD_FORWARD_VXLAN || service->forward == LBD_FORWARD_GENEVE;
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "%.100s.vni", path);
	if (takes_vni && !service->vni)
		document_fault_at(document, path,
				  "forward: vxlan and geneve need a vni, from 1 to 16777215");
	if (!takes_vni && service->vni)
		document_fault_at(document, at, "came %u, but only vxlan and geneve have one",
				  service->vni);
}

const char *rules_backend_fault(const struct config_service *service, const struct lbd_addr *addr)
{
	if (rules_not_a_host(addr))
		return "which is no host's address";
	if (lbd_addr_equal(addr, &service->vip))
		return "which is the VIP itself; expected the backend's own";
	if (rules_same_family(addr, &service->vip))
		return NULL;
	if (service->forward == LBD_FORWARD_DSR)
		return "which is not of the VIP's family, as dsr needs; a tunnel, such as forward: "
		       "ipip, can";
	if (service->forward == LBD_FORWARD_NAT)
		return "which is not of the VIP's family: nat doesn't translate between IPv4 and "
		       "IPv6; forward: ipip can";
	return NULL;
}

/* The backends of a service, those for fallback behind the others, as their path has them. */
struct rules_backends {
	const struct config_service *service;
	const char *path;
	uint32_t normal;
	struct seen addrs, names;
};

static uint32_t rules_normal(const struct config_service *service)
{
	uint32_t normal = 0;

	while (normal < service->backends_count && !service->backends[normal].fallback)
		normal++;
	return normal;
}

static void rules_backend_path(const struct rules_backends *all, uint32_t i, char *ret)
{
	if (i < all->normal)
		snprintf(ret, DOCUMENT_PATH_MAX, "%.100s.backends[%u]", all->path, i);
	else
		snprintf(ret, DOCUMENT_PATH_MAX, "%.100s.fallback[%u]", all->path, i - all->normal);
}

/* As rules_once, for two lists. */
static bool rules_backend_once(struct document *document, const struct rules_backends *all,
			       struct seen *seen, const char *word, uint32_t i, const char *at)
{
	uint32_t first = seen_add(seen, word, i);
	char other[DOCUMENT_PATH_MAX];

	rules_backend_path(all, first, other);
	if (first != i)
		document_fault_at(document, at, "came \"%s\" again, %s has it already", word,
				  other);
	return first == i;
}

static void rules_backend(struct document *document, struct rules_backends *all, uint32_t i)
{
	const struct config_backend *backend = &all->service->backends[i];
	const char *fault = rules_backend_fault(all->service, &backend->addr);
	char path[DOCUMENT_PATH_MAX], at[DOCUMENT_PATH_MAX], text[ADDR_TEXT_MAX];
	bool fresh;

	rules_backend_path(all, i, path);
	addr_format(&backend->addr, text);
	snprintf(at, sizeof(at), "%.140s.address", path);
	if (fault)
		document_fault_at(document, at, "came %s, %s", text, fault);
	fresh = rules_backend_once(document, all, &all->addrs, text, i, at);
	snprintf(at, sizeof(at), "%.140s.port", path);
	if (backend->port && all->service->forward != LBD_FORWARD_NAT)
		document_fault_at(document, at, "came %u, " RULES_PORT_FAULT, backend->port);
	snprintf(at, sizeof(at), "%.140s.name", path);
	/* Who has no name is called by the address: no second fault for that. */
	if (fresh || strcmp(backend->name, text) != 0)
		rules_backend_once(document, all, &all->names, backend->name, i, at);
}

static void rules_backends(struct document *document, const struct config_service *service,
			   const char *path)
{
	struct rules_backends all = { service, path, rules_normal(service), { NULL }, { NULL } };

	for (uint32_t i = 0; i < service->backends_count; i++)
		rules_backend(document, &all, i);
	seen_free(&all.addrs);
	seen_free(&all.names);
}

/* What no two services may share. */
static void rules_identity(const struct config_service *service, char *buffer, size_t size)
{
	const char *protocol = service->protocol == IPPROTO_UDP ? "udp" : "tcp";
	char text[ADDR_TEXT_MAX];

	addr_format(&service->vip, text);
	if (service->port)
		snprintf(buffer, size, "%s %s port %u", text, protocol, service->port);
	else
		snprintf(buffer, size, "%s %s port any", text, protocol);
}

static void rules_service(struct document *document, const struct config *config, uint32_t n,
			  struct seen *seen)
{
	const struct config_service *service = &config->services[n];
	char path[DOCUMENT_PATH_MAX], at[DOCUMENT_PATH_MAX], identity[128];

	snprintf(path, sizeof(path), "services[%u]", n);
	snprintf(at, sizeof(at), "%.100s.vip", path);
	rules_host(document, &service->vip, at);
	rules_identity(service, identity, sizeof(identity));
	rules_once(document, &seen[0], identity, n, "services", at);
	snprintf(at, sizeof(at), "%.100s.name", path);
	rules_once(document, &seen[1], service->name, n, "services", at);
	rules_nat_service(document, config, service, path);
	rules_vni(document, service, path);
	rules_health(document, service, path);
	rules_selection(document, service, path);
	rules_backends(document, service, path);
	rules_quic(document, service, path);
}

static void rules_services(struct document *document, const struct config *config)
{
	struct seen seen[2] = { { NULL }, { NULL } };

	for (uint32_t n = 0; n < config->services_count; n++)
		rules_service(document, config, n, seen);
	rules_quic_room(document, config);
	seen_free(&seen[0]);
	seen_free(&seen[1]);
}

void rules_check(struct document *document, const struct config *config)
{
	rules_node(document, config);
	rules_interfaces(document, config);
	rules_limits(document, config);
	rules_tunnel(document, config);
	rules_nat(document, config);
	rules_cluster(document, config);
	rules_curve(document, config);
	rules_vrrp(document, config);
	guard_rules(document, config);
	if (rules_room(document, config))
		rules_services(document, config);
}
