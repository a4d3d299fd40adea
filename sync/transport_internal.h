/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the transport:
 *
 *   transport.c          the context, sockets and their options, waiting
 *   transport_io.c       messages out and in
 *   transport_monitor.c  what ZeroMQ tells of connections: accepted, failed
 */
#ifndef SYNC_TRANSPORT_INTERNAL_H
#define SYNC_TRANSPORT_INTERNAL_H

#include "sync/door.h"
#include "sync/transport.h"
#include "sync/zap.h"

struct transport {
	void *context;
	struct zap *zap;
	int wake_fd;
	int timer_fd;	 /* zmq_poll knows whole milliseconds only */
	uint32_t serial; /* of the last router */
	void *items;	 /* zmq_pollitem_t */
	uint32_t items_count;
};

struct transport_socket {
	void *socket;
	void *monitor; /* PAIR */
	struct zap *zap;
	bool connected; /* a DEALER, and its peer is who it should be */
	/* a ROUTER's */
	struct door *door;
	uint32_t serial;
	bool failed;			  /* a handshake, and the connection's end is told next */
	struct transport_socket *retired; /* it gets no new connections; NULL: none */
};

/* Make @socket's monitor tell of @events. 0 or a negative errno. */
int transport_watch(struct transport *transport, struct transport_socket *socket, int events);

#define TRANSPORT_EVENTS_FAILED                                                       \
	(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | \
	 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
#define TRANSPORT_EVENTS_DEALER \
	(TRANSPORT_EVENTS_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED)
#define TRANSPORT_EVENTS_ROUTER \
	(TRANSPORT_EVENTS_FAILED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED)

#endif
