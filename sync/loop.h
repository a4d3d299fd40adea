/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sync thread does: read all sockets, take dirty bits, answer, send,
 * wait. It flushes once a millisecond while any peer listens and sleeps longer
 * while none does; it never spins.
 *
 *   loop.c          life, configuration, the turn
 *   loop_receive.c  what comes in: router -> intake -> apply; dealer -> peer
 *   loop_send.c     what goes out: peer and intake say what, here is how
 */
#ifndef SYNC_LOOP_H
#define SYNC_LOOP_H

#include "sync/link.h"

struct loop {
	char node[CONFIG_NAME_MAX];
	uint64_t boot;
	enum sync_role role;
	const struct tables *tables;
	struct transport *transport;
	struct addr_endpoint listen;
	struct transport_socket *router;
	struct link **links;
	uint32_t links_count;
	struct outbox **marking;	   /* room for links_count */
	struct transport_socket **waiting; /* room for links_count + 1 */
	struct dictionary *dictionary;	   /* NULL until told: nothing is done before */
	uint64_t dictionary_version;
	struct refusals refusals;
	int64_t now_us;
	/* what a message is made in */
	uint8_t buffer[WIRE_MESSAGE_MAX];
	struct outbox_batch batch;
	struct dictionary_part part;
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

/* One turn without waiting. Returns how long to wait, in ms. */
int loop_turn(struct loop *loop);
void loop_wait(struct loop *loop, int timeout_ms);

/* --- between the files of the loop */

/* Read what has come, within a budget. Returns true if there may be more. */
bool loop_receive(struct loop *loop);

/* Send what is owed and due to a peer, within a budget. Returns true if there is more. */
bool loop_serve(struct loop *loop, struct link *link);

/* Tell @link in both directions that we go. */
void loop_say_bye(struct loop *loop, struct link *link);

/* Complete and send a message; @route as for transport_send. Returns bytes or a negative errno. */
int loop_transmit(struct loop *loop, struct transport_socket *socket,
		  const struct intake_route *route, struct wire_message *message);

#endif
