// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "sync/wire.h"

#define TRANSPORT_URL_MAX (ADDR_TEXT_MAX + 8)
#define TRANSPORT_OWN_ITEMS 2 /* to wait for besides sockets: the wake-up, the timer */

struct transport {
	void *context;
	int wake_fd;
	int timer_fd; /* zmq_poll knows whole milliseconds only */
	zmq_pollitem_t *items;
	uint32_t items_count;
};

struct transport_socket {
	void *socket;
	void *monitor; /* PAIR that tells of failed handshakes; ROUTER only */
};

/*
 * Why each is set: IPV6 lets one socket type serve both families. LINGER 0:
 * what wasn't sent is still marked. IMMEDIATE: nothing queues up for a peer
 * that isn't connected, or it would get seconds-old data after healing.
 * CONNECT_TIMEOUT, HANDSHAKE_IVL and RECONNECT_IVL bound how long a healed
 * link stays unused. Credit paces, so the high-water marks only have to hold a
 * window and some control messages. MAXMSGSIZE is refused before memory is
 * taken for it.
 */
static const struct {
	int option;
	int value;
} transport_options[] = {
	{ ZMQ_IPV6, 1 },
	{ ZMQ_LINGER, 0 },
	{ ZMQ_IMMEDIATE, 1 },
	{ ZMQ_CONNECT_TIMEOUT, 200 },
	{ ZMQ_HANDSHAKE_IVL, 500 },
	{ ZMQ_RECONNECT_IVL, 50 },
	{ ZMQ_RECONNECT_IVL_MAX, 400 },
	{ ZMQ_SNDHWM, 2 * INTAKE_WINDOW },
	{ ZMQ_RCVHWM, 2 * INTAKE_WINDOW },
};

static int transport_set_options(void *socket)
{
	int64_t longest = WIRE_MESSAGE_MAX;

	for (size_t i = 0; i < sizeof(transport_options) / sizeof(transport_options[0]); i++)
		if (zmq_setsockopt(socket, transport_options[i].option, &transport_options[i].value,
				   sizeof(int)))
			return -errno;
	return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &longest, sizeof(longest)) ? -errno : 0;
}

static int transport_reserve(struct transport *transport, uint32_t count)
{
	zmq_pollitem_t *items;

	if (count <= transport->items_count)
		return 0;
	items = realloc(transport->items, count * sizeof(*items));
	if (!items)
		return -ENOMEM;
	transport->items = items;
	transport->items_count = count;
	return 0;
}

int transport_new(int wake_fd, struct transport **ret)
{
	struct transport *transport = calloc(1, sizeof(*transport));

	if (!transport)
		return -ENOMEM;
	transport->wake_fd = wake_fd;
	transport->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	transport->context = zmq_ctx_new();
	if (transport->timer_fd < 0 || !transport->context ||
	    transport_reserve(transport, TRANSPORT_OWN_ITEMS)) {
		transport_free(transport);
		return -ENOMEM;
	}
	*ret = transport;
	return 0;
}

void transport_free(struct transport *transport)
{
	if (!transport)
		return;
	if (transport->context)
		zmq_ctx_term(transport->context);
	if (transport->timer_fd >= 0)
		close(transport->timer_fd);
	free(transport->items);
	free(transport);
}

static int transport_open(struct transport *transport, int type, struct transport_socket **ret)
{
	struct transport_socket *socket = calloc(1, sizeof(*socket));
	int err = -ENOMEM;

	if (!socket)
		return err;
	socket->socket = zmq_socket(transport->context, type);
	err = socket->socket ? transport_set_options(socket->socket) : -errno;
	if (err) {
		transport_close(socket, 0);
		return err;
	}
	*ret = socket;
	return 0;
}

static void transport_url(const struct addr_endpoint *address, char *ret)
{
	memcpy(ret, "tcp://", 7);
	addr_format_endpoint(&address->addr, address->port, ret + 6);
}

/* Unroutable answers shall fail instead of vanishing; failed handshakes shall be counted. */
static int transport_watch(struct transport *transport, struct transport_socket *socket)
{
	const int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
			   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
	char name[64];
	int on = 1;

	snprintf(name, sizeof(name), "inproc://monitor-%p", (void *)socket);
	if (zmq_setsockopt(socket->socket, ZMQ_ROUTER_MANDATORY, &on, sizeof(on)) ||
	    zmq_socket_monitor(socket->socket, name, events))
		return -errno;
	socket->monitor = zmq_socket(transport->context, ZMQ_PAIR);
	if (!socket->monitor || zmq_connect(socket->monitor, name))
		return -errno;
	return 0;
}

int transport_listen(struct transport *transport, const struct addr_endpoint *address,
		     struct transport_socket **ret, struct error *err)
{
	struct transport_socket *socket = NULL;
	char url[TRANSPORT_URL_MAX];
	int code;

	transport_url(address, url);
	code = transport_open(transport, ZMQ_ROUTER, &socket);
	if (!code)
		code = transport_watch(transport, socket);
	if (!code && zmq_bind(socket->socket, url))
		code = -errno;
	if (code) {
		transport_close(socket, 0);
		return error_errno(err, code, "cannot listen for peers at %s", url);
	}
	*ret = socket;
	return 0;
}

int transport_connect(struct transport *transport, const struct addr_endpoint *address,
		      struct transport_socket **ret, struct error *err)
{
	struct transport_socket *socket = NULL;
	char url[TRANSPORT_URL_MAX];
	int code;

	transport_url(address, url);
	code = transport_open(transport, ZMQ_DEALER, &socket);
	if (!code && zmq_connect(socket->socket, url))
		code = -errno;
	if (code) {
		transport_close(socket, 0);
		return error_errno(err, code, "cannot connect to the peer at %s", url);
	}
	*ret = socket;
	return 0;
}

void transport_close(struct transport_socket *socket, int linger_ms)
{
	if (!socket)
		return;
	if (socket->monitor) {
		zmq_socket_monitor(socket->socket, NULL, 0);
		zmq_close(socket->monitor);
	}
	if (socket->socket) {
		zmq_setsockopt(socket->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
		zmq_close(socket->socket);
	}
	free(socket);
}

int transport_send(struct transport_socket *socket, const struct intake_route *route,
		   const uint8_t *data, size_t size)
{
	if (route &&
	    zmq_send(socket->socket, route->bytes, route->size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		return -errno;
	return zmq_send(socket->socket, data, size, ZMQ_DONTWAIT) < 0 ? -errno : 0;
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
	ret->size = (uint8_t)zmq_msg_size(frame);
	memcpy(ret->bytes, zmq_msg_data(frame), ret->size);
	return zmq_msg_more(frame) && zmq_msg_recv(frame, socket->socket, ZMQ_DONTWAIT) >= 0;
}

/* Returns false when nothing has come. ZeroMQ delivers all frames of a message or none. */
static bool transport_receive_one(struct transport_socket *socket, transport_handler *handler,
				  void *context, uint64_t *ret_malformed)
{
	bool router = socket->monitor != NULL, whole = true;
	struct intake_route route;
	zmq_msg_t frame;

	zmq_msg_init(&frame);
	if (zmq_msg_recv(&frame, socket->socket, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&frame);
		return false;
	}
	if (router)
		whole = transport_receive_route(socket, &frame, &route);
	if (whole && !zmq_msg_more(&frame)) {
		handler(context, router ? &route : NULL, zmq_msg_data(&frame),
			zmq_msg_size(&frame));
	} else {
		transport_discard(socket->socket, &frame);
		(*ret_malformed)++;
	}
	zmq_msg_close(&frame);
	return true;
}

uint32_t transport_receive(struct transport_socket *socket, uint32_t limit,
			   transport_handler *handler, void *context, uint64_t *ret_malformed)
{
	uint32_t taken = 0;

	while (taken < limit && transport_receive_one(socket, handler, context, ret_malformed))
		taken++;
	return taken;
}

/* An event is two frames (zmq_socket_monitor(3)); which one it is doesn't matter here. */
uint64_t transport_take_failures(struct transport_socket *socket)
{
	uint64_t failures = 0;
	zmq_msg_t frame;

	zmq_msg_init(&frame);
	while (zmq_msg_recv(&frame, socket->monitor, ZMQ_DONTWAIT) >= 0) {
		transport_discard(socket->monitor, &frame);
		failures++;
	}
	zmq_msg_close(&frame);
	return failures;
}

/* --- waiting */

/* Setting the timer also makes it unreadable again. */
static void transport_set_timer(const struct transport *transport, int64_t timeout_us)
{
	const struct itimerspec when = { .it_value = { timeout_us / 1000000,
						       timeout_us % 1000000 * 1000 } };

	timerfd_settime(transport->timer_fd, 0, &when, NULL);
}

void transport_wait(struct transport *transport, struct transport_socket **sockets, uint32_t count,
		    int64_t timeout_us)
{
	/* Without memory wake-up and timer alone are waited for: later, but not never. */
	if (transport_reserve(transport, count + TRANSPORT_OWN_ITEMS))
		count = 0;
	for (uint32_t i = 0; i < count; i++)
		transport->items[i + TRANSPORT_OWN_ITEMS] =
			(zmq_pollitem_t){ .socket = sockets[i]->socket, .events = ZMQ_POLLIN };
	transport->items[0] = (zmq_pollitem_t){ .fd = transport->wake_fd, .events = ZMQ_POLLIN };
	transport->items[1] = (zmq_pollitem_t){ .fd = transport->timer_fd, .events = ZMQ_POLLIN };
	transport_set_timer(transport, timeout_us);
	zmq_poll(transport->items, (int)count + TRANSPORT_OWN_ITEMS, timeout_us ? -1 : 0);
}
