/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT's ways back (include/lbd/nat.h): a backend's answer to a port of a NAT
 * address is of the flow that goes out from there. Which address and port that
 * is follows from the flow and the number of an attempt; a way that a live
 * connection has is another flow's at no attempt.
 */
#ifndef MODEL_WAYS_H
#define MODEL_WAYS_H

#include "tests/model/flows.h"
#include "tests/model/world.h"

#define WAYS_MAX 8192
#define WAYS_ATTEMPTS 7

struct way {
	struct lbd_addr backend, nat;
	uint16_t backend_port, nat_port; /* host order */
	uint8_t protocol;
	uint8_t unused[3];
};

struct ways {
	struct {
		struct way way;
		struct flow_key owner;
	} all[WAYS_MAX];
	uint32_t count;
};

/* The way back of a flow of @key that @backend has, at @attempt. */
struct way ways_of(const struct world *world, const struct flow_key *key,
		   const struct backend *backend, uint32_t attempt);

/* Who took the way last; NULL: nobody ever did. */
const struct flow_key *ways_find(const struct ways *ways, const struct way *way);

void ways_take(struct ways *ways, const struct way *way, const struct flow_key *owner);

/* Does @flow's own entry lead back to @way? */
bool ways_leads(const struct world *world, const struct flow *flow, const struct way *way);

#endif
