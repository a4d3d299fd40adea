// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINK_RECONNECT_US (150 * 1000LL)

static int link_connect(const struct link *link, const struct link_own *own,
			struct transport_socket **ret, struct error *err)
{
	const struct transport_way way = {
		.source = own->source,
		.address = link->config.address,
		.own = own->pair,
		.server = link->config.keys[link->key],
	};

	return transport_connect(own->transport, &way, ret, err);
}

int link_new(const struct sync_peer_config *config, const struct link_own *own, int64_t now_us,
	     struct link **ret, struct error *err)
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
	if (!link->directory || outbox_init(&link->outbox, own->tables) ||
	    flight_init(&link->flight) || held_init(&link->held, own->tables)) {
		error_errno(err, code, "peer %s", config->name);
		goto fail;
	}
	link->outbox.held = &link->held;
	code = link_connect(link, own, &link->dealer, err);
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
	flight_destroy(&link->flight);
	held_destroy(&link->held);
	free(link);
}

int link_reconnect(struct link *link, const struct link_own *own)
{
	struct transport_socket *dealer;
	int err = link_connect(link, own, &dealer, NULL);

	if (err)
		return err;
	transport_close(link->dealer, 0);
	link->dealer = dealer;
	link->reconnect_due = false;
	link->retry_due = false;
	return 0;
}

void link_rekey(struct link *link, const struct sync_peer_config *config)
{
	const char *used = link->config.keys[link->key];
	uint32_t key = 0;

	while (key < config->keys_count && strcmp(config->keys[key], used) != 0)
		key++;
	if (key == config->keys_count) {
		link->reconnect_due = config->keys_count > 0;
		/* What went by a key that is trusted no more isn't taken for told. */
		peer_forget(&link->peer);
		key = 0;
	}
	link->config = *config;
	link->key = key;
}

/* Connecting takes about that long: what hasn't come about by then waits for its next time. */
#define LINK_CONNECTING_US (50 * 1000LL)

void link_hears_boot(struct link *link, uint64_t boot, int64_t now_us)
{
	bool waits = link->peer.state == SYNC_STATE_STALE ||
		     (link->peer.state == SYNC_STATE_CONNECTING &&
		      now_us - link->peer.fresh_us > LINK_CONNECTING_US);

	if (waits && (boot != link->peer.boot || link->peer.left))
		link->retry_due = true;
}

static bool link_reconnects(const struct link *link, int64_t now_us)
{
	return (link->reconnect_due || link->retry_due) && now_us >= link->reconnect_us;
}

bool link_attend(struct link *link, const struct link_own *own, int64_t now_us)
{
	const struct transport_news news = transport_news(link->dealer);

	if (link_wants_marks(link))
		link->handshakes_failed = 0;
	/* ZeroMQ tries again by itself, too: what has come about by that isn't cut. */
	if (news.connected && !link_wants_marks(link))
		link->retry_due = false;
	if (news.connected && link->peer.state == SYNC_STATE_CONNECTING)
		peer_restart(&link->peer, now_us); /* the hello needn't wait */
	if (news.failed) {
		link->handshakes_failed++;
		link->retry_due = true;
		if (link->config.keys_count)
			link->key = (link->key + 1) % link->config.keys_count;
	}
	if (!link_reconnects(link, now_us) || link_reconnect(link, own))
		return false;
	link->reconnect_us = now_us + LINK_RECONNECT_US;
	peer_restart(&link->peer, now_us);
	return true;
}

bool link_wants_marks(const struct link *link)
{
	return link->peer.state != SYNC_STATE_CONNECTING && link->peer.state != SYNC_STATE_HELLO;
}

bool link_may_go_on(const struct link *link)
{
	const bool taken_up = link->held.boot != link->peer.resumes;

	return link->peer.resumes && !link->outbox.withheld && (taken_up || link->held.complete);
}

bool link_keeps_marks(const struct link *link)
{
	return link_wants_marks(link) || link->peer.resumes;
}

void link_mark_all(struct link *link)
{
	outbox_mark_all(&link->outbox);
}

/* What is under way in a conversation that is over may not have arrived. */
static void link_recall(struct link *link)
{
	outbox_recall(&link->outbox, &link->flight);
	flight_clear(&link->flight);
}

void link_begin(struct link *link)
{
	const uint64_t boot = link->peer.resumes;

	link_recall(link);
	if (!link->peer.resumed) {
		held_set_boot(&link->held, boot);
		link_mark_all(link);
		return;
	}
	/* Told by a daemon before us. */
	if (link->held.boot != boot) {
		held_set_boot(&link->held, boot);
		held_assume(&link->held, link->outbox.tables, link->outbox.words);
	}
	outbox_sweep(&link->outbox);
}

void link_take_up(struct link *link, uint64_t told, uint64_t heard)
{
	link->peer.resumes = told;
	link->intake.boot = heard;
	link->intake.had_all = heard != 0;
}

void link_pour(struct link *link)
{
	link_recall(link);
	outbox_pour(&link->outbox);
}

/* While the whole table is under way a change waits behind all of it: no measure of lag. */
void link_told(struct link *link, const struct outbox_batch *batch)
{
	bool live = link->peer.state == SYNC_STATE_LIVE && batch->sweep_left == 0;
	uint32_t rows = batch->rows4_count + batch->rows6_count;

	link->sent_records += rows;
	if (flight_is_full(&link->flight))
		peer_forget(&link->peer);
	flight_add(&link->flight, &link->held, link->peer.used, batch->since_us, live, batch->told,
		   rows);
}

void link_told_all(struct link *link)
{
	flight_end_bulk(&link->flight, link->peer.used);
}

void link_answered(struct link *link, const struct wire_message *answer, int64_t now_us)
{
	if (answer->type == WIRE_RESYNC) {
		/* It threw away what it hadn't a service for: it can't say which. */
		flight_clear(&link->flight);
		held_clear(&link->held);
	}
	flight_acknowledge(&link->flight, link->peer.consumed, now_us, &link->held, &link->lag);
}

/* When the oldest change was made that the peer doesn't hold; -1: it holds all. */
static int64_t link_unsynced_us(const struct link *link)
{
	int64_t marked_us = outbox_oldest_us(&link->outbox);
	int64_t told_us = flight_oldest_us(&link->flight);

	if (!link_wants_marks(link))
		return link->peer.heard_us >= 0 ? link->peer.heard_us : link->peer.fresh_us;
	if (marked_us < 0 || told_us < 0)
		return marked_us < 0 ? told_us : marked_us;
	return marked_us < told_us ? marked_us : told_us;
}

static int64_t link_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void link_lag_status(const struct link *link, int64_t now_us, struct sync_peer_status *ret)
{
	int64_t since_us = link_unsynced_us(link);

	ret->lag_p50_us = lag_read(&link->lag, now_us, 500);
	ret->lag_p99_us = lag_read(&link->lag, now_us, 990);
	ret->unsynced_ms = since_us < 0 ? 0 : (now_us - since_us) / 1000;
	ret->unacknowledged = link->flight.count;
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
		.version = intake->open ? intake->version : peer->version,
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
		.resyncs = peer->resyncs,
		.silences = peer->silences,
		.handshakes_failed = link->handshakes_failed,
	};
	proof_report(&link->holds, now_us, &ret->holds);
	proof_report(&link->prover.proof, now_us, &ret->held);
	link_lag_status(link, now_us, ret);
	memcpy(ret->name, link->config.name, sizeof(ret->name));
	memcpy(ret->release, link->release, sizeof(ret->release));
	*ret_heard_us = link_later(peer->heard_us, intake->heard_us);
}
