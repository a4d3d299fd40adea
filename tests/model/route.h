/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which backend a packet of a flow gets, and what it says about the connection. */
#ifndef MODEL_ROUTE_H
#define MODEL_ROUTE_H

#include "tests/model/step.h"

/* The outcome that the packet has unless sending fails; without a step->backend it holds. */
int route_flow(struct step *step);

/* Take a way back for the flow @owner. False: a live connection has it. */
bool route_claim_way(struct reference *reference, const struct way *way,
		     const struct flow_key *owner);

#endif
