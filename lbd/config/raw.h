/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file as libcyaml reads it: every scalar is still text, NULL where the
 * file is silent. Its layout is described by the offsets in keys.c.
 */
#ifndef CONFIG_RAW_H
#define CONFIG_RAW_H

#include <stdint.h>

struct raw_backend {
	char *name, *address, *port, *weight, *drain, *mac;
	char **server_ids;
	uint32_t server_ids_count;
};

struct raw_health {
	char *check, *port, *interval, *timeout, *rise, *fall;
};

struct raw_list {
	char *name, *file;
	char **prefixes;
	uint32_t prefixes_count;
};

/* Of guard and of a service: what is set depends on where it stands. */
struct raw_rates {
	char *prefix_ipv4, *prefix_ipv6;
	char *packets, *new, *burst;
	struct raw_rates *source;
};

struct raw_guard {
	char **deny, **allow;
	uint32_t deny_count, allow_count;
	struct raw_rates *source;
	char *sample;
};

struct raw_quic_config {
	char *id, *server_id_length, *nonce_length;
};

struct raw_quic {
	struct raw_quic_config *configs;
	uint32_t configs_count;
};

struct raw_service_timeouts {
	char *idle, *closing, *unconfirmed;
};

struct raw_service {
	char *name, *vip, *port, *protocol, *forward, *vni, *hash, *sticky, *down;
	struct raw_service_timeouts *timeouts;
	char **deny, **allow;
	uint32_t deny_count, allow_count;
	struct raw_rates *limits;
	struct raw_health *health;
	struct raw_quic *quic;
	struct raw_backend *backends, *fallback;
	uint32_t backends_count, fallback_count;
};

struct raw_peer {
	char *name, *address;
	char **keys;
	uint32_t keys_count;
};

struct raw_xdp {
	char **interfaces;
	uint32_t interfaces_count;
	char *mode;
};

struct raw_limits {
	char *services, *backends, *connections_ipv4, *connections_ipv6, *nat_ipv4, *nat_ipv6,
		*sticky, *maglev, *prefixes, *sources;
};

struct raw_timeouts {
	char *tcp, *udp, *closing, *unconfirmed;
};

struct raw_tunnel {
	char *source_ipv4, *source_ipv6, *gue_port, *vxlan_port, *geneve_port, *mac;
};

struct raw_icmp {
	char *echo, *tell_mtu, *rate;
};

struct raw_fragments {
	char *timeout, *memory;
};

struct raw_upgrade {
	char *watch, *canary_time;
};

struct raw_nat {
	char **addresses;
	uint32_t addresses_count;
	char *ports;
};

struct raw_cluster {
	char *secret_file, *security, *key_file, *listen, *patience, *bandwidth, *cpu;
	struct raw_peer *peers;
	uint32_t peers_count;
};

struct raw_vrrp {
	char *interface, *router_id, *priority, *advert, *source;
	char **peers;
	uint32_t peers_count;
};

struct raw_config {
	char *instance, *node, *history;
	struct raw_xdp *xdp;
	struct raw_limits *limits;
	struct raw_timeouts *timeouts;
	struct raw_tunnel *tunnel;
	struct raw_nat *nat;
	struct raw_icmp *icmp;
	struct raw_fragments *fragments;
	struct raw_upgrade *upgrade;
	struct raw_cluster *cluster;
	struct raw_vrrp *vrrp;
	struct raw_list *lists;
	uint32_t lists_count;
	struct raw_guard *guard;
	struct raw_service *services;
	uint32_t services_count;
};

struct config;

/* @config as the writer puts it down, every default written out. NULL: no memory. */
struct raw_config *config_raw(const struct config *config);

/* Accepts NULL. */
void config_raw_free(struct raw_config *raw);

#endif
