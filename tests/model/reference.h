/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What should become of a packet, told step by step:
 *
 *   view       what the frame shows
 *   world      which service that is
 *   flows      whether the connection is known, and what state it is in
 *   world      which backend it gets, if another one is due
 *   wrap       the frame that leaves, or
 *   translate  the same by NAT; back to the client: back
 *
 * Written from the RFCs, the documents and the sentences of the packet cases,
 * to be slow and plain. It shares no text with the packet path.
 */
#ifndef MODEL_REFERENCE_H
#define MODEL_REFERENCE_H

#include "tests/model/flows.h"
#include "tests/model/frame.h"
#include "tests/model/limits.h"
#include "tests/model/pieces.h"
#include "tests/model/view.h"
#include "tests/model/ways.h"
#include "tests/model/world.h"
#include "tests/packet/case.h"

struct reference {
	const struct world *world;
	struct pieces *pieces;
	struct ways *ways;
	struct limits *limits;
	struct flows flows;
	struct flows clients; /* of sticky services: the backend of their last connection */
	int64_t now;	      /* seconds; goes on only when it is told to */
	struct lbd_traffic *services, *backends; /* by id: what they were given */
};

/* What the packet path must do. A bit that is 0 in the frame's mask is its own choice. */
struct expectation {
	int verdict; /* XDP_* */
	int outcome;
	bool has_flow; /* the packet is of a flow that may be in the table ... */
	bool entered;  /* ... and was not, before it */
	bool changed;  /* peers must hear of it */
	bool touched;  /* peers may hear of it: it lives */
	bool tunnelled;
	struct flow_key key;
	struct view view;
	const struct backend *backend; /* that it is sent to, or NULL */
	struct case_frame frame;
};

int reference_make(struct reference *reference, const struct world *world, uint32_t most_flows);
void reference_free(struct reference *reference);

/* Forget connections and counters. */
void reference_clear(struct reference *reference);

/* Which connection is @frame of? False: of none, whatever the table holds. */
bool reference_key(struct reference *reference, const struct frame *frame, struct flow_key *ret);

/* What must become of @frame, that came from interface @ifindex. */
void reference_packet(struct reference *reference, const struct frame *frame, uint32_t ifindex,
		      struct expectation *ret);

#endif
