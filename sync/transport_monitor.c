// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "sync/transport_internal.h"

int transport_watch(struct transport *transport, struct transport_socket *socket, int events)
{
	char name[64];

	snprintf(name, sizeof(name), "inproc://monitor-%p", (void *)socket);
	if (zmq_socket_monitor(socket->socket, name, events))
		return -errno;
	socket->monitor = zmq_socket(transport->context, ZMQ_PAIR);
	if (!socket->monitor || zmq_connect(socket->monitor, name))
		return -errno;
	return 0;
}

struct transport_event {
	uint16_t event;
	uint32_t value;
};

/* zmq_socket_monitor(3): event and value in the first frame, an address in the second. */
static bool transport_next_event(void *monitor, struct transport_event *ret)
{
	uint8_t bytes[sizeof(ret->event) + sizeof(ret->value)] = { 0 };

	if (zmq_recv(monitor, bytes, sizeof(bytes), ZMQ_DONTWAIT) < 0)
		return false;
	zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT);
	memcpy(&ret->event, bytes, sizeof(ret->event));
	memcpy(&ret->value, bytes + sizeof(ret->event), sizeof(ret->value));
	return true;
}

static enum refusal transport_failure(const struct transport_event *event)
{
	if (event->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
		return REFUSAL_NONE; /* refused, and counted, by zap.c */
	if (event->event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
		return REFUSAL_HANDSHAKE;
	if (event->value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
		return REFUSAL_OTHER_SERVER;
	if (event->value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
		return REFUSAL_MECHANISM;
	return REFUSAL_HANDSHAKE;
}

static void transport_count_failure(struct transport_socket *router,
				    const struct transport_event *event, struct refusals *refusals)
{
	refusal_count(refusals, transport_failure(event), 1);
	router->failed = true;
}

/* Some failures aren't told, and show only in how the connection ends. */
static void transport_left(struct transport_socket *router, int fd, struct refusals *refusals)
{
	const enum door_end end = door_left(router->door, fd);

	if (end == DOOR_END_BROKEN)
		refusal_count(refusals, REFUSAL_BROKEN, 1);
	else if (end == DOOR_END_UNHEARD && !router->failed)
		refusal_count(refusals, REFUSAL_HANDSHAKE, 1);
	router->failed = false;
}

static void transport_attend_router(struct transport_socket *router, int64_t now_us,
				    struct refusals *refusals)
{
	struct transport_event event;

	while (transport_next_event(router->monitor, &event)) {
		if (event.event == ZMQ_EVENT_ACCEPTED)
			door_accepted(router->door, (int)event.value, now_us, refusals);
		else if (event.event == ZMQ_EVENT_DISCONNECTED)
			transport_left(router, (int)event.value, refusals);
		else
			transport_count_failure(router, &event, refusals);
	}
	door_turn(router->door, now_us, refusals);
}

void transport_attend(struct transport *transport, struct transport_socket *router, int64_t now_us,
		      struct refusals *refusals)
{
	zap_serve(transport->zap, refusals);
	transport_attend_router(router, now_us, refusals);
	if (!router->retired)
		return;
	transport_attend_router(router->retired, now_us, refusals);
	if (!door_is_used(router->retired->door))
		transport_retire(router, NULL);
}

bool transport_failed(struct transport_socket *dealer)
{
	struct transport_event event;
	bool failed = false;

	while (transport_next_event(dealer->monitor, &event))
		failed = true;
	return failed;
}
