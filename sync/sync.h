/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State sync: the connection table, replicated to the peers. One thread owns
 * all sockets and writes remote records into the table; everything here is
 * called from the main thread. PROTOCOL.md has the messages.
 *
 *   dirty bits -> outbox (a bitmap per peer) -> wire -> transport
 *                        => transport -> wire -> peer -> apply -> table
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "dataplane/tables.h"
#include "model/model.h"
#include "sync/curve.h"

struct held;
struct sync;

#define SYNC_KEYS_MAX CONFIG_PEER_KEYS_MAX

struct sync_peer_config {
	char name[CONFIG_NAME_MAX];
	struct addr_endpoint address;
	char keys[SYNC_KEYS_MAX][Z85_KEY_SIZE]; /* public keys that it may have */
	uint32_t keys_count;
};

struct sync_config {
	char node[CONFIG_NAME_MAX];
	struct addr_endpoint listen;
	bool plaintext;	       /* no keys: told by address alone */
	struct curve_pair own; /* else: our keys */
	struct sync_peer_config *peers;
	uint32_t peers_count;
	uint64_t bandwidth; /* bytes a second for all peers together; 0: without limit */
	uint32_t cpu;	    /* percent of a core for the thread; 0 or 100: without limit */
	const char *
		run_dir; /* where term and conversations are kept; NULL: nowhere. Read at start only */
};

/* X(constant, name): the states of a peer, with its diagram in sync/peer.h. */
#define SYNC_STATES(X)              \
	X(CONNECTING, "connecting") \
	X(HELLO, "hello")           \
	X(BULK, "bulk")             \
	X(LIVE, "live")             \
	X(STALE, "stale")

enum sync_state {
#define X(constant, name) SYNC_STATE_##constant,
	SYNC_STATES(X)
#undef X
};

/* What the digests of one direction have shown (PROTOCOL.md). Counts are of this conversation. */
struct sync_proof {
	int64_t agreed_ms_ago; /* since a pass in which every region agreed ended; -1: none yet */
	uint32_t agreed, unsettled, differing; /* regions in the last pass */
	uint64_t passes;
	uint64_t divergences;	 /* regions that differed in two passes running, ever */
	uint64_t repairs;	 /* of them, those that agreed later */
	int64_t diverged_ms_ago; /* -1: never */
	int64_t repaired_ms_ago; /* -1: never */
};

/* X(constant, name): a node's part in the cluster, as its keepalived says. */
#define SYNC_ROLES(X)         \
	X(UNKNOWN, "unknown") \
	X(ACTIVE, "active")   \
	X(STANDBY, "standby")

enum sync_role {
#define X(constant, name) SYNC_ROLE_##constant,
	SYNC_ROLES(X)
#undef X
};

#define SYNC_RELEASE_MAX 64 /* a version of lbd, with the NUL */

struct sync_peer_status {
	char name[CONFIG_NAME_MAX];
	char release[SYNC_RELEASE_MAX]; /* its version of lbd; "": it doesn't say */
	struct addr_endpoint address;
	enum sync_role role;   /* as it said last */
	uint64_t term;	       /* of its last takeover, 0: none that it knows of */
	enum sync_state state; /* of our conversation towards it */
	uint64_t version;      /* of the protocol, as agreed */
	bool received_all;     /* has its full table arrived since we last (re)connected? */
	uint64_t boot;	       /* its boot identity, 0 unknown */
	int64_t heard_ms_ago;  /* -1: never */
	uint64_t sent_records, sent_bytes;
	uint64_t received_records, received_bytes;
	uint64_t applied, older, full, unknown; /* what became of received records */
	uint64_t pending_buckets;		/* dirty for this peer, not sent yet */
	uint32_t unacknowledged;		/* data messages sent, not known to stand there */
	int64_t unsynced_ms;		/* age of the oldest change that it may lack; 0: none */
	int64_t lag_p50_us, lag_p99_us; /* of changes in the last minute; -1: there were none */
	uint32_t rtt_us;
	uint64_t reconnects;
	uint64_t resyncs;	    /* times that our whole table was to be told to it */
	uint64_t silences;	    /* times that it was taken for dead, as nothing was heard */
	uint64_t handshakes_failed; /* since we last talked to it: do the keys fit? */
	struct sync_proof holds;    /* do we hold what it holds? judged here */
	struct sync_proof held;	    /* does it hold what we hold? as it said */
};

/*
 * Start the thread. @tables must stay mapped until sync_stop. The config is
 * copied. *ret is the caller's.
 */
int sync_start(const struct sync_config *config, const struct tables *tables, struct sync **ret,
	       struct error *err);

/* Other peers or another listen address, without restarting what stays the same. */
int sync_reconfigure(struct sync *sync, const struct sync_config *config, struct error *err);

/*
 * Tell the identities behind the local ids: (service id -> VIP, port,
 * protocol), (backend index -> service, address). Called after each commit;
 * copies what it needs. Peers are told, and what was unknown is asked for again.
 */
int sync_set_dictionary(struct sync *sync, const struct model *model);

/* This node's part from now on; the peers are told with every message. */
void sync_set_role(struct sync *sync, enum sync_role role);

/* This node's term (PROTOCOL.md, Terms). */
struct sync_term {
	uint64_t own;	      /* of its last takeover, 0: none that it knows of */
	int64_t began_ms_ago; /* -1: never */
	uint64_t known;	      /* the highest that it has heard of */
};

void sync_get_term(struct sync *sync, struct sync_term *ret);

/*
 * Records of services and backends that aren't configured here, kept until
 * they are. All but @held are ever.
 */
struct sync_kept {
	uint64_t held; /* now */
	uint64_t kept;
	uint64_t entered;  /* into the table, when the config came */
	uint64_t given_up; /* for newer ones: there is room for so many */
	uint64_t expired;  /* idle for too long when the config came */
};

void sync_get_kept(struct sync *sync, struct sync_kept *ret);

/* Status of every configured peer. *ret (free()) has *ret_count entries. */
int sync_peers(struct sync *sync, struct sync_peer_status **ret, uint32_t *ret_count);

/*
 * What the peer holds that holds most of those that are connected, or of all if
 * none is: entry by entry (sync/held.h). *ret_peer: its place in sync_peers().
 * NULL without peers. Good until the next sync_reconfigure or sync_stop.
 */
const struct held *sync_held(struct sync *sync, uint32_t *ret_peer);

#define SYNC_SAMPLE_MAX 1024

/* Live connections of a peer, under our ids: for a drill, not entered anywhere. */
struct sync_sample {
	uint64_t number; /* counts those that came */
	char peer[CONFIG_NAME_MAX];
	uint32_t count;
	uint32_t unknown; /* more of services or backends that aren't known here */
	struct table_entry entries[SYNC_SAMPLE_MAX]; /* what a connection is, and its backend */
};

/*
 * Ask the active peer for a random sample of up to @count of its connections.
 * *ret_number is that of the sample to wait for. -ENOENT: no peer is active;
 * -EPROTO: it speaks version 1 of the protocol.
 */
int sync_ask_sample(struct sync *sync, uint32_t count, uint64_t *ret_number);

/* The latest sample, copied. */
void sync_get_sample(struct sync *sync, struct sync_sample *ret);

/* Call @visit for each refusal counter: its name, its sentence, its count. */
void sync_refusals(struct sync *sync,
		   void (*visit)(void *context, const char *name, const char *sentence,
				 uint64_t count),
		   void *context);

/*
 * Says bye to the peers, joins the thread. What a peer may lack is put back into
 * the tables' dirty words, and the run directory says where each conversation
 * is: a sync_start over the same run directory has the same boot identity and
 * goes on there, without telling the whole table again, in this process or in
 * another. The tables may be others meanwhile (larger, say) as long as they hold
 * the same entries, and their dirty words mark all that those here mark, and all
 * that has changed since. Accepts NULL.
 */
void sync_stop(struct sync *sync);

/*
 * The tables are made anew, or lack what they held: whatever a sync_stop has left
 * in @run_dir is void. To be called before the next sync_start.
 */
void sync_forget(const char *run_dir);

#endif
