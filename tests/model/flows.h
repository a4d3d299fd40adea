/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections that there are, as the reference remembers them: a hash map
 * without eviction. Whoever fills it sees to it that it has room.
 */
#ifndef MODEL_FLOWS_H
#define MODEL_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "lbd/types.h"

struct flow_key {
	struct lbd_addr client;
	uint16_t client_port, vip_port; /* host order */
	uint16_t service;
	uint16_t unused;
};

struct flow {
	bool used;
	bool confirmed, closing, udp;
	struct flow_key key;
	uint16_t backend;
	uint8_t attempt; /* at which it goes out by NAT; 0: not, or not yet */
	int64_t seen;	 /* seconds, of the reference's clock */
};

struct flows {
	struct flow *slots;
	uint32_t places; /* a power of two */
	uint32_t count;
};

/* Room for @most flows. */
int flows_make(struct flows *flows, uint32_t most);
void flows_free(struct flows *flows);
void flows_clear(struct flows *flows);

/* NULL if there is none. */
struct flow *flows_find(const struct flows *flows, const struct flow_key *key);

/* One that flows_find() doesn't find; the caller fills in the rest. */
struct flow *flows_add(struct flows *flows, const struct flow_key *key);

#endif
