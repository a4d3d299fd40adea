/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ZeroMQ, and nothing but: sockets, their options, single-frame messages.
 *
 *   our DEALER (one per peer) --records--> the peer's ROUTER (one per node)
 *                             <--answers--
 *
 * Paced conversations instead of PUB/SUB, which loses silently when a reader is
 * slow. All calls from one thread; nothing here blocks except transport_wait.
 */
#ifndef SYNC_TRANSPORT_H
#define SYNC_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "sync/intake.h"

struct transport;
struct transport_socket;

/* @wake_fd, an eventfd, ends a wait too. 0 or a negative errno. */
int transport_new(int wake_fd, struct transport **ret);
void transport_free(struct transport *transport); /* its sockets are closed before; accepts NULL */

/* The ROUTER at this address, and only this. -EADDRINUSE, -EADDRNOTAVAIL, ... */
int transport_listen(struct transport *transport, const struct addr_endpoint *address,
		     struct transport_socket **ret, struct error *err);

/* A DEALER that connects in the background, and again when the connection is lost. */
int transport_connect(struct transport *transport, const struct addr_endpoint *address,
		      struct transport_socket **ret, struct error *err);

/* What is still to be sent gets @linger_ms of time, in the background. Accepts NULL. */
void transport_close(struct transport_socket *socket, int linger_ms);

/*
 * Send one message; @route says to whom on a ROUTER, NULL on a DEALER.
 * -EAGAIN: not connected, or full. -EHOSTUNREACH: that connection is gone.
 */
int transport_send(struct transport_socket *socket, const struct intake_route *route,
		   const uint8_t *data, size_t size);

/* What came. @route is NULL on a DEALER. @data is gone when the function returns. */
typedef void transport_handler(void *context, const struct intake_route *route, const uint8_t *data,
			       size_t size);

/*
 * Hand over what has come, at most @limit messages. Returns how many, and adds
 * to *ret_malformed those that had other than one frame, which aren't handed over.
 */
uint32_t transport_receive(struct transport_socket *socket, uint32_t limit,
			   transport_handler *handler, void *context, uint64_t *ret_malformed);

/* Connections to a ROUTER that failed the handshake since the last call. */
uint64_t transport_take_failures(struct transport_socket *socket);

/* Wait until any of @sockets can be read, the wake_fd is set, or the time is up. */
void transport_wait(struct transport *transport, struct transport_socket **sockets, uint32_t count,
		    int64_t timeout_us);

#endif
