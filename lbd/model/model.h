/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the node serves right now: the config, plus what the config can't say:
 * which id each service and backend has in the pinned maps, whether health
 * checks call it up, and where its next hop is.
 *
 * Ids are stable: a service (VIP, port, protocol) or a backend (service,
 * address) keeps its id across reloads and restarts, and a removed one's id is
 * GONE until no entry of the connection table uses it.
 *
 *   struct config + struct model (old) --model_build--> struct model (new)
 *   struct model --dataplane_commit--> pinned snapshot
 *   pinned snapshot --dataplane_adopt--> struct model (after a restart)
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "guard/guard.h"
#include "lbd/generation.h"
#include "lbd/maps.h"

/* Where frames for a backend go. Filled by net/, resolved is false until known. */
struct nexthop {
	bool resolved;
	uint32_t ifindex;
	uint16_t mtu;
	uint8_t dmac[6];
	uint8_t smac[6];
};

struct backend {
	uint16_t index; /* in lbd_backends; 0: this slot of the array is free */
	uint16_t service;
	bool gone;     /* no longer configured */
	bool drain;    /* by config or lbctl */
	bool fallback; /* takes flows only while no other of its service does */
	bool healthy;  /* by the last health check, or true where none is made */
	bool checked;  /* has a check answered since the daemon started? */
	uint32_t weight;
	uint16_t port; /* host order, for NAT; 0: the service's */
	struct lbd_addr addr;
	char name[CONFIG_NAME_MAX];
	struct config_server_id server_ids[CONFIG_SERVER_IDS_MAX];
	uint32_t server_ids_count;
	struct nexthop nexthop;
};

struct service {
	uint16_t id; /* in lbd_services; 0: this slot of the array is free */
	bool gone;
	uint8_t protocol;
	uint8_t forward;
	uint8_t hash;	/* enum lbd_hash */
	uint8_t prefix; /* bits of the source, as a struct lbd_addr, that the hash looks at */
	uint8_t down;	/* enum lbd_down */
	bool own_timeouts;
	uint32_t vni;			/* of vxlan and geneve */
	uint16_t port;			/* host order, 0: every port */
	uint32_t sticky_s;		/* 0: not sticky */
	struct lbd_timeouts timeouts_s; /* seconds; the model's where the config gives none */
	struct lbd_addr vip;
	char name[CONFIG_NAME_MAX];
	struct config_health health;
	uint32_t deny, allow; /* lists, those for all services included */
	struct config_rates limits, source_limits;
	struct lbd_quic_config quic[LBD_QUIC_CONFIGS]; /* by config id */
};

struct model {
	struct lbd_limits limits;
	struct lbd_timeouts timeouts_s; /* seconds, as in the config */
	struct lbd_secret pick_secret;
	struct addr_prefix tunnel4, tunnel6;
	uint32_t fragment_ms; /* a first fragment is remembered */
	bool echo;	      /* pings of VIPs are answered */
	struct lbd_nat nat;
	struct lbd_tunnel tunnel;
	bool tell_mtu;
	uint32_t answer_rate;		     /* a second and CPU */
	struct lbd_mac macs[LBD_MACS_MAX];   /* of the interfaces packets come in on ... */
	uint32_t macs_count;		     /* ... 0: frames for any MAC address are taken */
	struct guard *guard;		     /* all lists; NULL: there are none */
	uint32_t deny;			     /* lists, for all services */
	struct config_rates source_limits;   /* of a source over all services */
	uint32_t source_bits4, source_bits6; /* what makes up a source */
	uint32_t sample;		     /* one in so many drops is kept; 0: none */
	struct service *services;	     /* limits.services of them, place = id */
	struct backend *backends;	     /* limits.backends of them, place = index */
};

/* The sizes of the maps that @config asks for. */
struct lbd_limits model_limits(const struct config *config);

/* An empty model for these limits; NULL without memory. */
struct model *model_new(const struct lbd_limits *limits);

/* The same once more, which another thread may read. NULL without memory. */
struct model *model_copy(const struct model *model);

/* Accepts NULL. */
void model_free(struct model *model);

/*
 * The model that @config asks for, taking ids, health and next hops over from
 * @old (which isn't changed). What @config lacks becomes GONE. Ids that are
 * marked in @service_used / @backend_used (indexed by id; may be NULL when
 * nothing was ever GONE) are not given to anything new. New backends start
 * unhealthy if they are checked. -ENOSPC with the limit to raise when ids ran out.
 */
int model_build(const struct config *config, const struct model *old, const bool *service_used,
		const bool *backend_used, struct model **ret_model, struct error *err);

/* What the data plane is told about @backend. */
enum lbd_backend_state model_backend_state(const struct backend *backend);

/* May it have a place in the ring? Not while its next hop isn't known: flows would only be lost. */
bool model_takes_flows(const struct backend *backend);

/* The service's backends one after the other: start with NULL, ends with NULL. GONE ones too. */
struct backend *model_next_backend(const struct model *model, uint16_t service,
				   const struct backend *previous);

/* By identity. GONE ones too. */
struct service *model_find_service(const struct model *model, const struct lbd_addr *vip,
				   uint16_t port, uint8_t protocol);
struct backend *model_find_backend(const struct model *model, uint16_t service,
				   const struct lbd_addr *addr);

/*
 * The ring of @service: its backends that take new flows, by weight. Backends
 * that are UP and whose next hop is known; when all of those have weight 0 or
 * there are none, those for fallback instead; without such, the ring is empty. @ring has limits.ring_size places. As maglev_build.
 */
int model_ring(const struct model *model, const struct service *service, uint16_t *ring);

/* LBD_FEATURE_* that this model needs of a generation; @xdp_ifindexes are where packets come in. */
uint32_t model_features(const struct model *model, const uint32_t *xdp_ifindexes,
			uint32_t xdp_count);

#endif
