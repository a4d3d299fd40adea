// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int link_new(const struct sync_peer_config *config, const struct tables *tables,
	     struct transport *transport, int64_t now_us, struct link **ret, struct error *err)
{
	struct link *link = calloc(1, sizeof(*link));
	int code = -ENOMEM;

	if (!link)
		return error_errno(err, code, "peer %s", config->name);
	link->config = *config;
	peer_init(&link->peer, now_us);
	prover_init(&link->prover);
	intake_init(&link->intake);
	proof_init(&link->holds);
	link->directory = directory_new();
	if (!link->directory || outbox_init(&link->outbox, tables)) {
		error_errno(err, code, "peer %s", config->name);
		goto fail;
	}
	code = transport_connect(transport, &config->address, &link->dealer, err);
	if (code)
		goto fail;
	*ret = link;
	return 0;
fail:
	link_free(link, 0);
	return code;
}

void link_free(struct link *link, int linger_ms)
{
	if (!link)
		return;
	transport_close(link->dealer, linger_ms);
	directory_free(link->directory);
	judge_free(link->judge);
	outbox_destroy(&link->outbox);
	free(link);
}

int link_reconnect(struct link *link, struct transport *transport)
{
	struct transport_socket *dealer;
	int err = transport_connect(transport, &link->config.address, &dealer, NULL);

	if (err)
		return err;
	transport_close(link->dealer, 0);
	link->dealer = dealer;
	return 0;
}

bool link_wants_marks(const struct link *link)
{
	return link->peer.state != SYNC_STATE_CONNECTING && link->peer.state != SYNC_STATE_HELLO;
}

void link_mark_all(struct link *link)
{
	outbox_mark_all(&link->outbox);
}

static int64_t link_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void link_status(const struct link *link, int64_t now_us, struct sync_peer_status *ret,
		 int64_t *ret_heard_us)
{
	const struct peer *peer = &link->peer;
	const struct intake *intake = &link->intake;

	*ret = (struct sync_peer_status){
		.address = link->config.address,
		.role = link->role,
		.term = link->term,
		.state = peer->state,
		.received_all = intake->received_all,
		.boot = intake->boot ? intake->boot : peer->boot,
		.sent_records = link->sent_records,
		.sent_bytes = link->sent_bytes,
		.received_records = link->received_records,
		.received_bytes = link->received_bytes,
		.applied = link->counts.applied,
		.older = link->counts.older,
		.full = link->counts.full,
		.unknown = link->counts.unknown,
		.pending_buckets = link->outbox.pending,
		.rtt_us = peer->rtt_us,
		.reconnects = peer->welcomes ? peer->welcomes - 1 : 0,
	};
	proof_report(&link->holds, now_us, &ret->holds);
	proof_report(&link->prover.proof, now_us, &ret->held);
	memcpy(ret->name, link->config.name, sizeof(ret->name));
	*ret_heard_us = link_later(peer->heard_us, intake->heard_us);
}
