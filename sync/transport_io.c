// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "sync/transport_internal.h"

/* Which ROUTER has that connection? Routes are names that only it knows. */
static void *transport_routed(struct transport_socket *router, const struct intake_route *route)
{
	if (route->router == router->serial)
		return router->socket;
	if (router->retired && route->router == router->retired->serial)
		return router->retired->socket;
	return NULL;
}

int transport_send(struct transport_socket *socket, const struct intake_route *route,
		   const uint8_t *data, size_t size)
{
	void *to = route ? transport_routed(socket, route) : socket->socket;

	if (!to)
		return -EHOSTUNREACH;
	if (route && zmq_send(to, route->bytes, route->size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		return -errno;
	return zmq_send(to, data, size, ZMQ_DONTWAIT) < 0 ? -errno : 0;
}

/* --- receiving */

/* Take the rest of a message that has more frames than it may. */
static void transport_discard(void *socket, zmq_msg_t *frame)
{
	while (zmq_msg_more(frame))
		if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
			return;
}

static bool transport_receive_route(struct transport_socket *socket, zmq_msg_t *frame,
				    struct intake_route *ret)
{
	ret->router = socket->serial;
	ret->size = (uint8_t)zmq_msg_size(frame);
	memcpy(ret->bytes, zmq_msg_data(frame), ret->size);
	return zmq_msg_more(frame) && zmq_msg_recv(frame, socket->socket, ZMQ_DONTWAIT) >= 0;
}

/*
 * Whose key the message's connection has, if it is encrypted. A key that is no
 * peer's now was one when the connection was made.
 */
static enum refusal transport_identify(struct transport_socket *socket, zmq_msg_t *frame,
				       const char **ret_name)
{
	const char *key = zmq_msg_gets(frame, "User-Id");

	door_spoke(socket->door, zmq_msg_get(frame, ZMQ_SRCFD));
	*ret_name = NULL;
	if (zap_is_plaintext(socket->zap))
		return REFUSAL_NONE;
	*ret_name = key ? zap_name(socket->zap, key) : NULL;
	if (*ret_name)
		return REFUSAL_NONE;
	door_cut(socket->door, zmq_msg_get(frame, ZMQ_SRCFD));
	return REFUSAL_OLD_KEY;
}

/* Where a message goes to and where what is wrong with it is counted. */
struct transport_sink {
	transport_handler *handler;
	void *context;
	struct refusals *refusals;
};

static enum refusal transport_hand_over(struct transport_socket *socket, zmq_msg_t *frame,
					const struct transport_sink *sink)
{
	const bool router = socket->door != NULL;
	enum refusal refusal = REFUSAL_NONE;
	const char *name = NULL;
	struct intake_route route;

	if (router && !transport_receive_route(socket, frame, &route))
		return REFUSAL_FRAMES;
	if (zmq_msg_more(frame))
		return REFUSAL_FRAMES;
	if (router)
		refusal = transport_identify(socket, frame, &name);
	if (!refusal)
		sink->handler(sink->context, router ? &route : NULL, name, zmq_msg_data(frame),
			      zmq_msg_size(frame));
	return refusal;
}

/* Returns false when nothing has come. ZeroMQ delivers all frames of a message or none. */
static bool transport_receive_one(struct transport_socket *socket,
				  const struct transport_sink *sink)
{
	zmq_msg_t frame;
	bool came;

	zmq_msg_init(&frame);
	came = zmq_msg_recv(&frame, socket->socket, ZMQ_DONTWAIT) >= 0;
	if (came)
		refusal_count(sink->refusals, transport_hand_over(socket, &frame, sink), 1);
	transport_discard(socket->socket, &frame);
	zmq_msg_close(&frame);
	return came;
}

uint32_t transport_receive(struct transport_socket *socket, uint32_t limit,
			   transport_handler *handler, void *context, struct refusals *refusals)
{
	const struct transport_sink sink = { handler, context, refusals };
	uint32_t taken = 0;

	while (taken < limit && transport_receive_one(socket, &sink))
		taken++;
	while (socket->retired && taken < limit && transport_receive_one(socket->retired, &sink))
		taken++;
	return taken;
}
