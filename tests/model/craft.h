/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets as they may come: most to a service and of a flow that came before,
 * the rest anything else that is on a wire. All are valid; mutate.h spoils them.
 */
#ifndef MODEL_CRAFT_H
#define MODEL_CRAFT_H

#include "model/model.h"
#include "tests/model/compose.h"
#include "tests/model/random.h"

#define CRAFT_FLOWS 48
#define CRAFT_PAST 32

struct craft_flow {
	struct lbd_addr client, vip;
	uint16_t sport, dport;
	uint8_t protocol;
};

struct craft {
	struct random *random;
	const struct model *model;
	struct craft_flow flows[CRAFT_FLOWS]; /* that packets come of again and again */
	struct frame past[CRAFT_PAST];	      /* what came before, in no order */
	uint32_t past_count;
	struct composition first; /* the last first fragment, for others to follow it */
	uint32_t strangers;	  /* percent of packets that are of new flows */
};

void craft_begin(struct craft *craft, struct random *random, const struct model *model);

/* The next frame; remembered, for others to be made of it. */
void craft_next(struct craft *craft, struct frame *ret);

/* A flow to one of the services, or next to one. */
struct craft_flow craft_flow(struct craft *craft);

#endif
