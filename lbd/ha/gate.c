// SPDX-License-Identifier: GPL-2.0-or-later
#include "ha/gate.h"

#include <inttypes.h>
#include <stdio.h>

/* A peer that fell silent counts until the patience has passed: it may only have stumbled. */
static bool gate_answers(const struct gate_view *view, const struct sync_peer_status *peer)
{
	return peer->heard_ms_ago >= 0 && peer->heard_ms_ago < view->patience_ms;
}

/* Only what carries traffic has what must be proven; version 1 knows no digests. */
static bool gate_must_prove(const struct sync_peer_status *peer)
{
	return peer->role == SYNC_ROLE_ACTIVE && peer->version > 1;
}

static bool gate_has_proof(const struct sync_peer_status *peer)
{
	return peer->holds.agreed_ms_ago >= 0;
}

/* The peers that answer, by what is known of their tables, and one that never did. */
struct gate_peers {
	uint32_t answering;
	const struct sync_peer_status *unheard;	   /* never yet */
	const struct sync_peer_status *unfinished; /* hasn't sent all */
	const struct sync_peer_status *unproven;   /* must prove, and hasn't */
	const struct sync_peer_status *proven;	   /* did */
	const struct sync_peer_status *old;	   /* is active, and can't */
};

static void gate_add(const struct sync_peer_status *peer, struct gate_peers *ret)
{
	ret->answering++;
	if (!peer->received_all)
		ret->unfinished = ret->unfinished ? ret->unfinished : peer;
	else if (!gate_must_prove(peer))
		ret->old = peer->role == SYNC_ROLE_ACTIVE ? peer : ret->old;
	else if (gate_has_proof(peer))
		ret->proven = peer;
	else
		ret->unproven = ret->unproven ? ret->unproven : peer;
}

static void gate_look(const struct gate_view *view, struct gate_peers *ret)
{
	*ret = (struct gate_peers){ 0 };
	for (uint32_t i = 0; i < view->peers_count; i++) {
		const struct sync_peer_status *peer = &view->peers[i];

		if (gate_answers(view, peer))
			gate_add(peer, ret);
		else if (peer->heard_ms_ago < 0 && !ret->unheard)
			ret->unheard = peer;
	}
}

/* Who hasn't been heard yet may be the active one, unless that one is found already. */
static bool gate_awaits(const struct gate_view *view, const struct gate_peers *peers)
{
	const bool active = peers->unproven || peers->proven || peers->old;

	return peers->unheard && !active && view->waited_ms < view->patience_ms;
}

bool gate_is_complete(const struct gate_view *view)
{
	struct gate_peers peers;

	gate_look(view, &peers);
	return peers.answering > 0 && !peers.unfinished && !gate_awaits(view, &peers);
}

/* --- one decision each: true opens, and the reason says why */

static bool gate_unheard(const struct gate_view *view, char *reason, size_t size)
{
	if (view->waited_ms < view->patience_ms)
		snprintf(reason, size, "no peer has answered for %" PRId64 " of %u ms",
			 view->waited_ms, view->patience_ms);
	else
		snprintf(reason, size, "no peer answered within %u ms", view->patience_ms);
	return view->waited_ms >= view->patience_ms;
}

static bool gate_unproven(const struct gate_view *view, const struct sync_peer_status *peer,
			  char *reason, size_t size)
{
	const struct sync_proof *proof = &peer->holds;

	if (view->complete_ms < view->patience_ms)
		snprintf(reason, size,
			 "%s's whole table is here, but not proven equal yet: of its regions %u "
			 "agree, %u are unsettled, %u differ",
			 peer->name, proof->agreed, proof->unsettled, proof->differing);
	else
		snprintf(reason, size,
			 "without proof: %s's table wasn't proven equal within %u ms: %u regions "
			 "unsettled, %u differing",
			 peer->name, view->patience_ms, proof->unsettled, proof->differing);
	return view->complete_ms >= view->patience_ms;
}

static void gate_say_awaited(const struct gate_view *view, const struct sync_peer_status *peer,
			     char *reason, size_t size)
{
	snprintf(reason, size,
		 "%s hasn't answered yet, for %" PRId64
		 " of %u ms, and none of those that did is active",
		 peer->name, view->waited_ms, view->patience_ms);
}

static void gate_proven(const struct gate_view *view, const struct gate_peers *peers, char *reason,
			size_t size)
{
	if (peers->old)
		snprintf(reason, size,
			 "%s has sent its whole table; it speaks version 1 of the protocol, which "
			 "has no proof",
			 peers->old->name);
	else if (peers->proven)
		snprintf(reason, size,
			 "the connection table is proven equal to %s's: all %u regions agreed",
			 peers->proven->name, peers->proven->holds.agreed);
	else
		snprintf(reason, size, "the connection table is in sync with %u of %u peers",
			 peers->answering, view->peers_count);
}

static bool gate_decide_by_peers(const struct gate_view *view, char *reason, size_t size)
{
	struct gate_peers peers;

	gate_look(view, &peers);
	if (!peers.answering)
		return gate_unheard(view, reason, size);
	if (peers.unfinished) {
		snprintf(reason, size, "%s hasn't sent its whole connection table yet",
			 peers.unfinished->name);
		return false;
	}
	if (peers.unproven)
		return gate_unproven(view, peers.unproven, reason, size);
	if (gate_awaits(view, &peers)) {
		gate_say_awaited(view, peers.unheard, reason, size);
		return false;
	}
	gate_proven(view, &peers, reason, size);
	return true;
}

bool gate_decide(const struct gate_view *view, char *reason, size_t size)
{
	if (view->unasked) {
		snprintf(reason, size, "sync isn't running: no peer can be asked for its table");
		return false;
	}
	if (!view->peers_count) {
		snprintf(reason, size, "no peers are configured");
		return true;
	}
	if (view->role == HA_ROLE_MASTER && view->adopted) {
		snprintf(reason, size,
			 "it was master, and its tables were taken over as they were");
		return true;
	}
	return gate_decide_by_peers(view, reason, size);
}
