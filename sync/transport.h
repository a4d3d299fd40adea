/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ZeroMQ, and nothing but: sockets, their options, single-frame messages.
 *
 *   our DEALER (one per peer) --records--> the peer's ROUTER (one per node)
 *                             <--answers--
 *
 * Paced conversations instead of PUB/SUB, which loses silently when a reader is
 * slow. All calls from one thread; nothing here blocks except transport_wait
 * and transport_doze.
 *
 * Who gets in: a filter at the listening socket asks for the address (door.h),
 * CURVE for the key (curve.h, zap.h). What strangers do keeps one I/O thread of
 * libzmq busy, our own conversations have another.
 */
#ifndef SYNC_TRANSPORT_H
#define SYNC_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "sync/intake.h"
#include "sync/refusal.h"
#include "sync/sync.h"

struct transport;
struct transport_socket;

/* @wake_fd, an eventfd, ends a wait too. 0 or a negative errno. */
int transport_new(int wake_fd, struct transport **ret);
void transport_free(struct transport *transport); /* its sockets are closed before; accepts NULL */

/*
 * The ROUTER at @config's address, and only this. With @before, which listens
 * there, connections go to the new one from now on. -EADDRINUSE,
 * -EADDRNOTAVAIL, ...
 */
int transport_listen(struct transport *transport, const struct sync_config *config,
		     struct transport_socket *before, struct transport_socket **ret,
		     struct error *err);

/*
 * @router takes @before over, which goes on with the connections that it has
 * until they are gone: they are heard and answered through @router.
 */
void transport_retire(struct transport_socket *router, struct transport_socket *before);

/* From now on @config's peers get in at @router, and nobody else. 0 or a negative errno. */
int transport_admit(struct transport *transport, struct transport_socket *router,
		    const struct sync_config *config);

/*
 * A DEALER that connects in the background, and again when the connection is
 * lost: from where we listen, encrypted with our key @own (NULL: plaintext) for
 * the peer's key @server.
 */
struct transport_way {
	struct lbd_addr source;
	struct addr_endpoint address;
	const struct curve_pair *own;
	const char *server;
};

int transport_connect(struct transport *transport, const struct transport_way *way,
		      struct transport_socket **ret, struct error *err);

/* What is still to be sent gets @linger_ms of time, in the background. Accepts NULL. */
void transport_close(struct transport_socket *socket, int linger_ms);

/*
 * Send one message; @route says to whom on a ROUTER, NULL on a DEALER.
 * -EAGAIN: not connected, or full. -EHOSTUNREACH: that connection is gone.
 */
int transport_send(struct transport_socket *socket, const struct intake_route *route,
		   const uint8_t *data, size_t size);

/*
 * What came. @route is NULL on a DEALER. @name is the peer that the key belongs
 * to, NULL if nothing is proven: in plaintext, and on a DEALER. @data is gone
 * when the function returns.
 */
typedef void transport_handler(void *context, const struct intake_route *route, const char *name,
			       const uint8_t *data, size_t size);

/*
 * Hand over what has come, at most @limit messages. Returns how many. Counts
 * what isn't handed over: other than one frame, or of a key that is no peer's
 * any more, and that connection is cut.
 */
uint32_t transport_receive(struct transport_socket *socket, uint32_t limit,
			   transport_handler *handler, void *context, struct refusals *refusals);

/* See to those who want in: judge, count and cut. At each turn, whatever else there is to do. */
void transport_attend(struct transport *transport, struct transport_socket *router, int64_t now_us,
		      struct refusals *refusals);

/* What became of a DEALER's handshakes since the last call. After a failure it may not try again by itself. */
struct transport_news {
	bool connected;
	bool failed;
};

struct transport_news transport_news(struct transport_socket *dealer);

/* Wait until any of @sockets can be read or has connected, the wake_fd is set, or the time is up. */
void transport_wait(struct transport *transport, struct transport_socket **sockets, uint32_t count,
		    int64_t timeout_us);

/*
 * Wait until the wake_fd is set or the time is up, whatever comes in: with a fraction of the
 * calls that asking libzmq takes, for who will look at all of it soon anyhow.
 */
void transport_doze(struct transport *transport, int64_t timeout_us);

#endif
