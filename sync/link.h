/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configured peer: both conversations with it, and what belongs to them. Sync thread only. */
#ifndef SYNC_LINK_H
#define SYNC_LINK_H

#include "sync/apply.h"
#include "sync/dictionary.h"
#include "sync/flight.h"
#include "sync/intake.h"
#include "sync/judge.h"
#include "sync/outbox.h"
#include "sync/peer.h"
#include "sync/prover.h"
#include "sync/sampler.h"
#include "sync/sync.h"
#include "sync/transport.h"

struct link {
	struct sync_peer_config config;
	enum sync_role role;		/* as the peer said last, in either direction */
	uint64_t term;			/* its own, as well */
	char release[SYNC_RELEASE_MAX]; /* of its lbd, as it said hello or welcome last */
	struct transport_socket *dealer;
	uint32_t key;	      /* of config.keys: the one that the dealer expects */
	int64_t reconnect_us; /* not before */
	uint64_t handshakes_failed;
	bool reconnect_due; /* the dealer's key is one that isn't trusted any more */
	bool retry_due;	    /* nobody answers by the dealer, and may by another one */
	struct peer peer;   /* towards it: the dealer */
	struct outbox outbox;
	struct flight flight; /* told it, and not acknowledged */
	struct held held;     /* acknowledged */
	struct lag lag;
	struct prover prover;
	struct sampler sampler;
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

/* What all links of a node have in common. */
struct link_own {
	const struct tables *tables;
	struct transport *transport;
	struct lbd_addr source;	       /* where we listen, and connect from */
	const struct curve_pair *pair; /* NULL: plaintext */
};

/* 0 or a negative errno, with the reason in @err. */
int link_new(const struct sync_peer_config *config, const struct link_own *own, int64_t now_us,
	     struct link **ret, struct error *err);
void link_free(struct link *link, int linger_ms); /* accepts NULL */

/*
 * A fresh connection, with our keys as they are now, in place of one that
 * nothing comes through. The old one stays on failure.
 */
int link_reconnect(struct link *link, const struct link_own *own);

/*
 * The peer's keys are those of @config from now on. A connection to one that
 * isn't among them any more must be made anew (reconnect_due).
 */
void link_rekey(struct link *link, const struct sync_peer_config *config);

/*
 * Make the connection anew if that is due: with the peer's next key if a
 * handshake has failed. Returns true if it was made; the conversation is over then.
 */
bool link_attend(struct link *link, const struct link_own *own, int64_t now_us);

/*
 * The peer has said hello with this @boot. If it has booted since we talked to
 * it, or said bye, it listens now: there is no use in waiting for the next time
 * to try.
 */
void link_hears_boot(struct link *link, uint64_t boot, int64_t now_us);

/* Does a conversation go on that the peer hears? */
bool link_wants_marks(const struct link *link);

/* Is the outbox to be kept up to date? Otherwise a welcome will mark everything anyway. */
bool link_keeps_marks(const struct link *link);

/* May the next conversation go on where this one is, with the marks as they are or poured? */
bool link_may_go_on(const struct link *link);

/* The welcome has come, and the marks are up to date: anew, or where the last one ended. */
void link_begin(struct link *link);

/*
 * A daemon before us has talked to it: @told is its boot that lacks nothing but what the dirty
 * words say, @heard the one of which all is here; 0 each: none.
 */
void link_take_up(struct link *link, uint64_t told, uint64_t heard);

/* Whatever the peer may lack goes to the tables' dirty words. */
void link_pour(struct link *link);

void link_mark_all(struct link *link);

/* @batch was sent as the peer's latest data message; a bulk is complete as far as we tell it. */
void link_told(struct link *link, const struct outbox_batch *batch);
void link_told_all(struct link *link);

/* The peer's answer was taken by link->peer: what does it hold now? */
void link_answered(struct link *link, const struct wire_message *answer, int64_t now_us);

/* All but heard_ms_ago, for which *ret_heard_us is the time (-1 never). */
void link_status(const struct link *link, int64_t now_us, struct sync_peer_status *ret,
		 int64_t *ret_heard_us);

#endif
