/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sync thread does: read all sockets, take dirty bits, answer, send,
 * wait. While any peer listens it flushes once a millisecond, more often while
 * changes come, and sleeps longer while none listens; it never spins.
 *
 *   loop.c          life, configuration, the turn
 *   loop_receive.c  what comes in: router -> intake -> apply; dealer -> peer
 *   loop_send.c     what goes out: peer and intake say what, here is how
 *   loop_sample.c   samples for drills
 *   loop_digest.c   time and messages for provers and judges
 *   loop_term.c     the term: kept on disk, heard, said
 *   loop_resume.c   where conversations are: kept on disk when we go, taken up when we come
 */
#ifndef SYNC_LOOP_H
#define SYNC_LOOP_H

#include "sync/budget.h"
#include "sync/link.h"
#include "sync/resume.h"
#include "sync/term.h"

struct loop {
	char node[CONFIG_NAME_MAX];
	uint64_t boot;
	enum sync_role role;
	struct term term;
	char run_dir[128];    /* "": nothing is kept */
	struct resume resume; /* as it was found at the start */
	const struct tables *tables;
	struct transport *transport;
	struct addr_endpoint listen;
	bool plaintext;
	struct curve_pair own; /* our keys, unless plaintext */
	struct transport_socket *router;
	struct link **links;
	uint32_t links_count;
	struct outbox **marking;	   /* room for links_count */
	struct transport_socket **waiting; /* room for links_count + 1 */
	struct dictionary *dictionary;	   /* NULL until told: nothing is done before */
	uint64_t dictionary_version;
	struct digest_identities *identities; /* of the dictionary */
	int64_t digest_us;		      /* last time spent on digests */
	uint32_t digest_next;		      /* link whose turn it is */
	struct link *taking;		      /* link whose marks are taken */
	struct refusals refusals;
	struct aside aside;	    /* records that wait for our config */
	struct bandwidth bandwidth; /* of records and digests */
	struct cpu cpu;
	bool resting;		   /* the share of the CPU is used up: nothing is read */
	uint32_t serve_next;	   /* link that is served first */
	struct sync_sample sample; /* the latest that was asked for */
	int64_t now_us;
	int64_t collected_us; /* dirty words, last */
	bool news;	      /* that a full table has arrived is to be told at once */
	bool busy; /* there were some, and all is sent: more will come at the next flush */
	/* what a message is made in */
	uint8_t buffer[WIRE_MESSAGE_MAX];
	struct outbox_batch batch;
	struct dictionary_part part;
	uint8_t digest_rows[WIRE_SUMS_MAX * WIRE_SUM_SIZE];
};

/* @wake_fd ends a wait. Binds the listen address; 0 or a negative errno. */
int loop_new(const struct sync_config *config, const struct tables *tables, int wake_fd,
	     struct loop **ret, struct error *err);

/* Says bye. Accepts NULL. */
void loop_free(struct loop *loop);

/* On failure everything stays as it was. */
int loop_reconfigure(struct loop *loop, const struct sync_config *config, struct error *err);

/* Takes @dictionary over. */
void loop_set_dictionary(struct loop *loop, struct dictionary *dictionary);

/* This node's part; a term may begin with it. */
void loop_set_role(struct loop *loop, enum sync_role role);

/* One turn without waiting. Returns how long to wait, in microseconds. */
int64_t loop_turn(struct loop *loop);
void loop_wait(struct loop *loop, int64_t timeout_us);

/* --- between the files of the loop */

/* What its links have in common; points into @loop. */
struct link_own loop_own(const struct loop *loop);

/* What its thread has had of a core. */
int64_t loop_cpu_us(void);

/*
 * Take dirty words into the outboxes, once anybody hears of it: true if there were some. Until
 * then they are kept where they are.
 */
bool loop_collect_marks(struct loop *loop);

/* Where records go. */
struct apply_target loop_target(struct loop *loop);

/* Read what has come, within a budget. Returns true if there may be more. */
bool loop_receive(struct loop *loop);

/* Send what is owed and due to a peer, within a budget. Returns true if there is more. */
bool loop_serve(struct loop *loop, struct link *link);

/* Tell @link in both directions that we go. */
void loop_say_bye(struct loop *loop, struct link *link);

/* Terms (loop_term.c): take what stands on disk; hear those of a peer; say our own. */
void loop_load_term(struct loop *loop);
void loop_hear_term(struct loop *loop, struct link *link, const struct wire_message *message);
void loop_fill_term(const struct loop *loop, struct wire_message *message);

/*
 * Conversations that may go on (loop_resume.c): what a daemon before us has left of this table
 * (its boot is ours then), told to the links that there are; taken off the disk, so that nobody
 * takes it up twice. And leave the same: bits that a peer may lack go to the dirty words.
 */
void loop_load_resume(struct loop *loop);
void loop_take_resume(struct loop *loop);
void loop_leave_resume(struct loop *loop);

/* Complete and send a message; @route as for transport_send. Returns bytes or a negative errno. */
int loop_transmit(struct loop *loop, struct transport_socket *socket,
		  const struct intake_route *route, struct wire_message *message);

/* Complete and send a message of our conversation, and account for it. 0 or a negative errno. */
int loop_send_action(struct loop *loop, struct link *link, enum peer_action action,
		     struct wire_message *message);

#endif
