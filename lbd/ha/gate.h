/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May this node have the VIP? The decision of ha.h's diagram, pure. */
#ifndef HA_GATE_H
#define HA_GATE_H

#include "ha/ha.h"

struct gate_view {
	bool adopted;	   /* the pinned tables were taken over */
	enum ha_role role; /* as keepalived last said */
	bool unasked;	   /* there are peers, but no sync runs that could ask them */
	const struct sync_peer_status *peers;
	uint32_t peers_count;
	int64_t waited_ms;   /* since the peers have been asked */
	int64_t complete_ms; /* since all that is waited for is here; 0: it isn't */
	uint32_t patience_ms;
};

/* Has every peer that is waited for sent its whole table? Then proof is the only thing missing. */
bool gate_is_complete(const struct gate_view *view);

/* Open? @reason (@size bytes) becomes the sentence that says why. */
bool gate_decide(const struct gate_view *view, char *reason, size_t size);

#endif
