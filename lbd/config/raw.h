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
};

struct raw_health {
	char *check, *port, *interval, *timeout, *rise, *fall;
};

struct raw_service_timeouts {
	char *idle, *closing, *unconfirmed;
};

struct raw_service {
	char *name, *vip, *port, *protocol, *forward, *vni, *hash, *sticky, *down;
	struct raw_service_timeouts *timeouts;
	struct raw_health *health;
	struct raw_backend *backends, *fallback;
	uint32_t backends_count, fallback_count;
};

struct raw_peer {
	char *name, *address;
};

struct raw_xdp {
	char **interfaces;
	uint32_t interfaces_count;
	char *mode;
};

struct raw_limits {
	char *services, *backends, *connections_ipv4, *connections_ipv6;
	char *nat_ipv4, *nat_ipv6, *sticky, *maglev;
};

struct raw_timeouts {
	char *tcp, *udp, *closing, *unconfirmed;
};

struct raw_tunnel {
	char *source_ipv4, *source_ipv6, *gue_port, *vxlan_port, *geneve_port, *mac;
};

struct raw_icmp {
	char *tell_mtu, *rate;
};

struct raw_nat {
	char **addresses;
	uint32_t addresses_count;
	char *ports;
};

struct raw_cluster {
	char *secret_file, *listen, *patience;
	struct raw_peer *peers;
	uint32_t peers_count;
};

struct raw_vrrp {
	char *interface, *router_id, *priority, *advert, *source;
	char **peers;
	uint32_t peers_count;
};

struct raw_config {
	char *instance, *node;
	struct raw_xdp *xdp;
	struct raw_limits *limits;
	struct raw_timeouts *timeouts;
	struct raw_tunnel *tunnel;
	struct raw_nat *nat;
	struct raw_icmp *icmp;
	struct raw_cluster *cluster;
	struct raw_vrrp *vrrp;
	struct raw_service *services;
	uint32_t services_count;
};

#endif
