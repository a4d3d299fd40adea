// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "sync/curve.h"
#include "sync/transport_internal.h"
#include "sync/wire.h"

#define TRANSPORT_URL_MAX (2 * ADDR_TEXT_MAX + 8) /* source and destination */

/* libzmq's I/O threads, as bits of ZMQ_AFFINITY: what strangers do holds up one of them. */
#define TRANSPORT_THREADS 2
#define TRANSPORT_THREAD_ROUTER 1
#define TRANSPORT_THREAD_DEALER 2

/* To wait for besides sockets: the wake-up, the timer, who asks for admission. */
#define TRANSPORT_ITEMS_FIXED 3

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

static int transport_set_options(void *socket, uint64_t threads)
{
	int64_t longest = WIRE_MESSAGE_MAX;

	for (size_t i = 0; i < sizeof(transport_options) / sizeof(transport_options[0]); i++)
		if (zmq_setsockopt(socket, transport_options[i].option, &transport_options[i].value,
				   sizeof(int)))
			return -errno;
	if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &longest, sizeof(longest)) ||
	    zmq_setsockopt(socket, ZMQ_AFFINITY, &threads, sizeof(threads)))
		return -errno;
	return 0;
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
	int err = -ENOMEM;

	if (!transport)
		return err;
	transport->wake_fd = wake_fd;
	transport->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	transport->context = zmq_ctx_new();
	if (transport->timer_fd >= 0 && transport->context &&
	    !transport_reserve(transport, TRANSPORT_ITEMS_FIXED)) {
		zmq_ctx_set(transport->context, ZMQ_IO_THREADS, TRANSPORT_THREADS);
		err = zap_new(transport->context, &transport->zap);
	}
	if (err)
		transport_free(transport);
	else
		*ret = transport;
	return err;
}

void transport_free(struct transport *transport)
{
	if (!transport)
		return;
	zap_free(transport->zap);
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
	socket->zap = transport->zap;
	socket->socket = zmq_socket(transport->context, type);
	err = !socket->socket ? -errno
			      : transport_set_options(socket->socket,
						      type == ZMQ_ROUTER ? TRANSPORT_THREAD_ROUTER
									 : TRANSPORT_THREAD_DEALER);
	if (err) {
		transport_close(socket, 0);
		return err;
	}
	*ret = socket;
	return 0;
}

/* --- the ROUTER */

/* ZeroMQ accepts at the door's socket, by a descriptor that it closes itself. */
static int transport_bind(struct transport_socket *socket)
{
	int fd = fcntl(door_fd(socket->door), F_DUPFD_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (zmq_setsockopt(socket->socket, ZMQ_USE_FD, &fd, sizeof(fd)) ||
	    zmq_bind(socket->socket, "tcp://127.0.0.1:*")) { /* what it is told isn't used then */
		err = -errno;
		close(fd);
	}
	return err;
}

/* Unroutable answers shall fail instead of vanishing. */
static int transport_set_router(struct transport *transport, struct transport_socket *socket,
				const struct sync_config *config)
{
	const int on = 1;
	int err;

	if (zmq_setsockopt(socket->socket, ZMQ_ROUTER_MANDATORY, &on, sizeof(on)))
		return -errno;
	err = zap_guard(socket->socket);
	if (!err && !config->plaintext)
		err = curve_serve(socket->socket, &config->own);
	if (!err)
		err = transport_watch(transport, socket, TRANSPORT_EVENTS_ROUTER);
	return err ? err : transport_bind(socket);
}

/* Free .all. 0 or -ENOMEM. */
static int transport_guests(const struct sync_config *config, struct door_guests *ret)
{
	struct lbd_addr *guests = calloc(config->peers_count + 1, sizeof(*guests));

	if (!guests)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->peers_count; i++)
		guests[i] = config->peers[i].address.addr;
	*ret = (struct door_guests){ guests, config->peers_count };
	return 0;
}

static int transport_open_door(struct transport_socket *socket, const struct sync_config *config,
			       const struct transport_socket *before)
{
	struct door_guests guests;
	int err = transport_guests(config, &guests);

	if (err)
		return err;
	err = door_open(&config->listen, before ? before->door : NULL, guests, &socket->door);
	free(guests.all);
	return err;
}

int transport_listen(struct transport *transport, const struct sync_config *config,
		     struct transport_socket *before, struct transport_socket **ret,
		     struct error *err)
{
	struct transport_socket *socket = NULL;
	char text[ADDR_TEXT_MAX];
	int code;

	/* There may be two at an address, not three. */
	if (before)
		transport_retire(before, NULL);
	addr_format_endpoint(&config->listen.addr, config->listen.port, text);
	code = transport_open(transport, ZMQ_ROUTER, &socket);
	if (!code)
		code = transport_open_door(socket, config, before);
	if (!code)
		code = transport_set_router(transport, socket, config);
	if (code) {
		transport_close(socket, 0);
		return error_errno(err, code, "cannot listen for peers at tcp://%s", text);
	}
	socket->serial = ++transport->serial;
	*ret = socket;
	return 0;
}

void transport_retire(struct transport_socket *router, struct transport_socket *before)
{
	if (router->retired) {
		transport_close(router->retired, 0);
		door_settle(router->door);
	}
	router->retired = before;
}

int transport_admit(struct transport *transport, struct transport_socket *router,
		    const struct sync_config *config)
{
	struct door_guests guests;
	int err = transport_guests(config, &guests);

	if (err)
		return err;
	if (!router->retired)
		door_settle(router->door);
	err = zap_admit(transport->zap, config);
	if (!err)
		err = door_invite(router->door, guests);
	free(guests.all);
	return err;
}

/* --- a DEALER */

/* "tcp://source:0;destination:port" */
static void transport_url(const struct transport_way *way, char *ret)
{
	size_t used;

	memcpy(ret, "tcp://", 7);
	addr_format_endpoint(&way->source, 0, ret + 6);
	used = strlen(ret);
	ret[used++] = ';';
	addr_format_endpoint(&way->address.addr, way->address.port, ret + used);
}

int transport_connect(struct transport *transport, const struct transport_way *way,
		      struct transport_socket **ret, struct error *err)
{
	struct transport_socket *socket = NULL;
	char url[TRANSPORT_URL_MAX];
	int code;

	transport_url(way, url);
	code = transport_open(transport, ZMQ_DEALER, &socket);
	if (!code && way->own)
		code = curve_join(socket->socket, way->own, way->server);
	if (!code)
		code = transport_watch(transport, socket, TRANSPORT_EVENTS_DEALER);
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
	transport_close(socket->retired, linger_ms);
	if (socket->monitor) {
		zmq_socket_monitor(socket->socket, NULL, 0);
		zmq_close(socket->monitor);
	}
	if (socket->socket) {
		zmq_setsockopt(socket->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
		zmq_close(socket->socket);
	}
	door_close(socket->door);
	free(socket);
}

/* --- waiting */

/* Setting the timer also makes it unreadable again. */
static void transport_set_timer(const struct transport *transport, int64_t timeout_us)
{
	const struct itimerspec when = { .it_value = { timeout_us / 1000000,
						       timeout_us % 1000000 * 1000 } };

	timerfd_settime(transport->timer_fd, 0, &when, NULL);
}

static void transport_poll(zmq_pollitem_t *items, int *count, void *socket)
{
	items[(*count)++] = (zmq_pollitem_t){ .socket = socket, .events = ZMQ_POLLIN };
}

void transport_wait(struct transport *transport, struct transport_socket **sockets, uint32_t count,
		    int64_t timeout_us)
{
	zmq_pollitem_t *items;
	int used = 0;

	/* Without memory these three alone are waited for: later, but not never. */
	if (transport_reserve(transport, 2 * count + TRANSPORT_ITEMS_FIXED))
		count = 0;
	items = transport->items;
	items[used++] = (zmq_pollitem_t){ .fd = transport->wake_fd, .events = ZMQ_POLLIN };
	items[used++] = (zmq_pollitem_t){ .fd = transport->timer_fd, .events = ZMQ_POLLIN };
	transport_poll(items, &used, zap_socket(transport->zap));
	for (uint32_t i = 0; i < count; i++) {
		transport_poll(items, &used, sockets[i]->socket);
		if (!sockets[i]->door && !sockets[i]->connected)
			transport_poll(items, &used, sockets[i]->monitor);
		if (sockets[i]->retired)
			transport_poll(items, &used, sockets[i]->retired->socket);
	}
	transport_set_timer(transport, timeout_us);
	zmq_poll(items, used, timeout_us ? -1 : 0);
}

void transport_doze(struct transport *transport, int64_t timeout_us)
{
	const struct timespec timeout = { timeout_us / 1000000, timeout_us % 1000000 * 1000 };
	struct pollfd wake = { .fd = transport->wake_fd, .events = POLLIN };

	ppoll(&wake, 1, &timeout, NULL);
}
