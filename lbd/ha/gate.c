// SPDX-License-Identifier: GPL-2.0-or-later
#include "ha/gate.h"

#include <inttypes.h>
#include <stdio.h>

/* A peer that fell silent counts until the patience has passed: it may only have stumbled. */
static bool gate_answers(const struct gate_view *view, const struct sync_peer_status *peer)
{
	return peer->heard_ms_ago >= 0 && peer->heard_ms_ago < view->patience_ms;
}

static const struct sync_peer_status *gate_unfinished(const struct gate_view *view,
						      uint32_t *ret_finished)
{
	const struct sync_peer_status *unfinished = NULL;

	*ret_finished = 0;
	for (uint32_t i = 0; i < view->peers_count; i++) {
		const struct sync_peer_status *peer = &view->peers[i];

		if (!gate_answers(view, peer))
			continue;
		if (peer->received_all)
			(*ret_finished)++;
		else if (!unfinished)
			unfinished = peer;
	}
	return unfinished;
}

static bool gate_decide_by_peers(const struct gate_view *view, char *reason, size_t size)
{
	uint32_t finished;
	const struct sync_peer_status *unfinished = gate_unfinished(view, &finished);

	if (unfinished)
		snprintf(reason, size, "%s hasn't sent its whole connection table yet",
			 unfinished->name);
	else if (finished)
		snprintf(reason, size, "the connection table is in sync with %u of %u peers",
			 finished, view->peers_count);
	else if (view->waited_ms < view->patience_ms)
		snprintf(reason, size, "no peer has answered for %" PRId64 " of %u ms",
			 view->waited_ms, view->patience_ms);
	else
		snprintf(reason, size, "no peer answered within %u ms", view->patience_ms);
	return !unfinished && (finished || view->waited_ms >= view->patience_ms);
}

bool gate_decide(const struct gate_view *view, char *reason, size_t size)
{
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
