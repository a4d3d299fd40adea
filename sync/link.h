/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configured peer: both conversations with it, and what belongs to them. Sync thread only. */
#ifndef SYNC_LINK_H
#define SYNC_LINK_H

#include "sync/apply.h"
#include "sync/dictionary.h"
#include "sync/intake.h"
#include "sync/judge.h"
#include "sync/outbox.h"
#include "sync/peer.h"
#include "sync/prover.h"
#include "sync/sync.h"
#include "sync/transport.h"

struct link {
	struct sync_peer_config config;
	enum sync_role role; /* as the peer said last, in either direction */
	uint64_t term;	     /* its own, as well */
	struct transport_socket *dealer;
	struct peer peer; /* towards it: the dealer */
	struct outbox outbox;
	struct prover prover;
	uint32_t dictionary_next; /* row of our dictionary to tell next */
	struct intake intake;	  /* from it: the router */
	struct directory *directory;
	struct judge *judge; /* NULL until it sends a digest */
	struct proof holds;  /* what the judge said */
	struct apply_counts counts;
	uint64_t sent_records, sent_bytes;
	uint64_t received_records, received_bytes;
	enum sync_state logged; /* the state that the log knows of */
};

/* 0 or a negative errno, with the reason in @err. */
int link_new(const struct sync_peer_config *config, const struct tables *tables,
	     struct transport *transport, int64_t now_us, struct link **ret, struct error *err);
void link_free(struct link *link, int linger_ms); /* accepts NULL */

/* A fresh connection in place of one that nothing comes through. The old one stays on failure. */
int link_reconnect(struct link *link, struct transport *transport);

/* Is the outbox to be kept up to date? Otherwise a welcome will mark everything anyway. */
bool link_wants_marks(const struct link *link);

void link_mark_all(struct link *link);

/* All but heard_ms_ago, for which *ret_heard_us is the time (-1 never). */
void link_status(const struct link *link, int64_t now_us, struct sync_peer_status *ret,
		 int64_t *ret_heard_us);

#endif
