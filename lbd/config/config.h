/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as the file says it, checked but with nothing derived.
 * keys.h describes every key once (type, range, default, help); the checker,
 * lbd.yaml(5) and the messages come from there.
 *
 *   file -> check (names line, key, what came, what was expected) -> struct config
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "base/z85.h"
#include "lbd/maps.h"

/* Where frames in vxlan and geneve come from: any address but the devices' own. */
#define CONFIG_TUNNEL_SOURCE_MAC                   \
	{                                          \
		0x02, 0x4c, 0x42, 0x44, 0x00, 0x02 \
	}

#define CONFIG_NAME_MAX 64 /* service, backend, node and instance names, with the NUL */

enum config_xdp_mode { CONFIG_XDP_AUTO, CONFIG_XDP_NATIVE, CONFIG_XDP_GENERIC, CONFIG_XDP_OFFLOAD };

#define CONFIG_SERVER_IDS_MAX 4

/* What a QUIC-LB connection id calls a backend. */
struct config_server_id {
	uint8_t length; /* octets */
	uint8_t octets[LBD_QUIC_SERVER_MAX];
};

struct config_backend {
	char *name; /* default: its address as text */
	struct lbd_addr addr;
	uint16_t port;	 /* host order, forward nat only; 0: the service's */
	uint32_t weight; /* 0..65535; 0 takes no new flows; default 100 */
	bool drain;	 /* existing flows only; set by lbctl backend drain */
	struct config_server_id server_ids[CONFIG_SERVER_IDS_MAX];
	uint32_t server_ids_count;
	bool fallback; /* takes flows only while no other does */
	bool has_mac;
	uint8_t mac[6]; /* of its next hop, for lbctl trace */
};

struct config_health {
	bool enabled;	      /* check: tcp (default) or none */
	uint16_t port;	      /* host order; 0: the service's port */
	uint32_t interval_ms; /* default 2000 */
	uint32_t timeout_ms;  /* default 1000, <= interval */
	uint32_t rise;	      /* successes to come up, default 2 */
	uint32_t fall;	      /* failures to go down, default 3 */
};

/* Prefixes by a name that deny and allow use. */
struct config_list {
	char *name;
	char *file;		      /* NULL: none */
	struct addr_prefix *prefixes; /* given in the config itself */
	uint32_t prefixes_count;
};

struct config_names {
	char **all;
	uint32_t count;
};

/* A second; 0: no limit. */
struct config_rates {
	uint32_t packets;
	uint32_t new;	   /* connections */
	uint32_t burst_ms; /* how much of the rate may come at once; default 1000 */
};

/* How connection ids with this config id are read. */
struct config_quic {
	uint8_t id; /* 0..6 */
	uint8_t server_id_length;
	uint8_t nonce_length;
};

struct config_service {
	char *name;
	struct lbd_addr vip;
	uint16_t port;	  /* host order; 0: every port */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t forward;  /* enum lbd_forward */
	uint32_t vni;	  /* of vxlan and geneve, 24 bits; 0: none */
	uint8_t hash;	  /* enum lbd_hash */
	uint8_t prefix;	  /* of LBD_HASH_PREFIX: bits of the client's address, default 24 or 64 */
	uint8_t down;	  /* enum lbd_down */
	uint32_t sticky;  /* seconds; 0: not sticky */
	struct {	  /* seconds; 0: as the node's timeouts */
		uint32_t idle, closing, unconfirmed;
	} timeouts;
	struct config_names deny, allow;   /* lists */
	struct config_rates limits;	   /* of the service */
	struct config_rates source_limits; /* of each source at it */
	struct config_health health;
	struct config_quic *quic; /* NULL: connection ids aren't looked at */
	uint32_t quic_count;
	struct config_backend *backends; /* those of fallback: among them */
	uint32_t backends_count;
};

#define CONFIG_PEER_KEYS_MAX 2 /* the old one and the new one */

enum config_security { CONFIG_SECURITY_CURVE, CONFIG_SECURITY_PLAINTEXT };

struct config_peer {
	char *name;
	struct addr_endpoint address; /* where its lbd listens for sync */
	char keys[CONFIG_PEER_KEYS_MAX][Z85_KEY_SIZE];
	uint32_t keys_count;
};

struct config {
	char *instance;	  /* names the pin directory and the control socket; default "lbd" */
	char *node;	  /* default: the host's name */
	uint32_t history; /* configs that are kept, default 20 */
	struct {
		char **interfaces; /* at least one */
		uint32_t interfaces_count;
		enum config_xdp_mode mode;
	} xdp;
	struct {
		uint32_t services;	   /* default 128, power of two */
		uint32_t backends;	   /* default 1024, power of two, <= 65536 */
		uint32_t connections_ipv4; /* slots, default 1048576, power of two >= 1024 */
		uint32_t connections_ipv6; /* slots, default 262144 */
		uint32_t nat_ipv4;	   /* ways back, default 262144, power of two >= 1024 */
		uint32_t nat_ipv6;	   /* default 65536 */
		uint32_t sticky;	   /* slots, default 65536 */
		uint32_t maglev;	   /* ring size, prime, default 65537 */
		uint32_t prefixes;	   /* of all lists, default 131072 */
		uint32_t sources;	   /* with a rate limit, default 65536, power of two */
	} limits;
	struct {		      /* seconds idle */
		uint32_t tcp;	      /* default 900 */
		uint32_t udp;	      /* default 60 */
		uint32_t closing;     /* default 30 */
		uint32_t unconfirmed; /* default 10 */
	} timeouts;
	struct {
		struct addr_prefix source_ipv4; /* default 198.18.0.0/16 */
		struct addr_prefix source_ipv6; /* default 100::/64; length <= 64 */
		uint16_t gue_port;		/* host order; default 6080 */
		uint16_t vxlan_port;		/* default 4789 */
		uint16_t geneve_port;		/* default 6081 */
		uint8_t mac[6];			/* of backends' vxlan and geneve devices */
	} tunnel;
	struct {
		struct lbd_addr
			*addresses; /* sorted, so that their order in the file says nothing */
		uint32_t addresses_count;
		struct addr_ports ports; /* default 1024-65535 */
	} nat;
	struct {
		bool echo;     /* pings of VIPs are answered; default true */
		bool tell_mtu; /* default true; matters to tunnels only */
		uint32_t rate; /* answers a second and CPU, default 1000 */
	} icmp;
	struct {
		uint32_t timeout_ms; /* default 2000 */
		uint32_t memory_kib; /* for those that are held, default 1024; 0: none is */
	} fragments;
	struct {
		uint32_t watch_ms; /* 0: a swap isn't watched */
		uint32_t canary_ms;
	} upgrade;
	struct {
		char *secret_file; /* NULL: a fixed, public secret; warned about */
		enum config_security security;
		char *key_file;		     /* this node's secret key; NULL only in plaintext */
		bool listening;		     /* is listen set? peers need it */
		struct addr_endpoint listen; /* a named address, never the wildcard */
		uint32_t bandwidth;	     /* bytes a second, default 0: without limit */
		uint32_t cpu;		     /* percent of a core, default 100 */
		uint32_t patience_ms;	     /* gate: how long to wait for a peer; default 10000 */
		struct config_peer *peers;
		uint32_t peers_count;
	} cluster;
	struct {
		char *interface;	/* NULL: no keepalived section */
		uint32_t router_id;	/* 1..255 */
		uint32_t priority;	/* 1..254, default 100 */
		uint32_t advert_ms;	/* default 100 */
		struct lbd_addr source; /* unicast_src_ip; peers are given below */
		struct lbd_addr *peers;
		uint32_t peers_count;
	} vrrp;
	struct config_list *lists;
	uint32_t lists_count;
	struct {
		struct config_names deny, allow; /* lists, for all services */
		struct config_rates source;	 /* of each source over all services */
		uint32_t prefix_ipv4;		 /* bits that make up a source, default 32 */
		uint32_t prefix_ipv6;		 /* default 64 */
		uint32_t sample;		 /* keep one in so many drops; 0: none */
	} guard;
	struct config_service *services;
	uint32_t services_count;
	uint64_t text_hash; /* not from a file: of the text that it was read from */
	struct guard *
		lists_read; /* not from a file: the lists, read already; whoever did releases them */
	bool keep_lists; /* not from a file: lists that were read hold, their files aren't read */
};

/*
 * Read and check @path. On success *ret_config is the caller's, to be freed
 * with config_free. On failure (-EINVAL, -ENOENT, ...) err->text has one line
 * per fault, each "PATH:LINE: KEY: what came, expected what".
 */
int config_load(const char *path, struct config **ret_config, struct error *err);

/* Check and read text that didn't come from a file; @name stands in messages. */
int config_parse(const char *text, size_t size, const char *name, struct config **ret_config,
		 struct error *err);

/* Tells an edited file from the one that was read. */
uint64_t config_hash(const char *text, size_t size);
int config_hash_file(const char *path, uint64_t *ret, struct error *err);

/* Write @config as YAML that config_load accepts, atomically (temporary file, rename), mode 0600. */
int config_save(const struct config *config, const char *path, struct error *err);

/* The same as text, the caller's, to be freed with free. */
int config_format(const struct config *config, char **ret_text, size_t *ret_size,
		  struct error *err);

/* Accepts NULL. */
void config_free(struct config *config);

struct config_service *config_find_service(const struct config *config, const char *name);
struct config_backend *config_find_backend(const struct config_service *service, const char *name);

/* A backend to be added. A @name of NULL stands for the address. */
struct config_addition {
	const char *name, *address;
	uint32_t port; /* 0: the service's */
	uint32_t weight;
};

/*
 * Runtime changes (lbctl backend ...) edit the effective config, then apply it
 * like a reload. Each returns 0, -ENOENT (no such service or backend, the
 * nearest name suggested), -EEXIST or -EINVAL, with the message in @err. The
 * last backend of a service can't be removed, only drained.
 */
int config_backend_add(struct config *config, const char *service,
		       const struct config_addition *addition, struct error *err);
int config_backend_remove(struct config *config, const char *service, const char *name,
			  struct error *err);
int config_backend_drain(struct config *config, const char *service, const char *name, bool drain,
			 struct error *err);
/* -EINVAL: there is no limit called @name, or @value isn't one for it. */
int config_limit_set(struct config *config, const char *name, int64_t value, struct error *err);

int config_backend_weight(struct config *config, const char *service, const char *name,
			  uint32_t weight, struct error *err);

#endif
