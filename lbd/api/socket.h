/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef API_SOCKET_H
#define API_SOCKET_H

#include <event2/event.h>
#include <event2/listener.h>

#include "base/error.h"

/*
 * A listener on the unix socket @path, mode 0660, owned by group lbd where
 * there is one. A socket that nobody answers on any more is replaced;
 * -EADDRINUSE if somebody does. *ret is the caller's.
 */
int socket_listen(struct event_base *base, const char *path, struct evconnlistener **ret,
		  struct error *err);

/* The same on @fd, which listens already. On failure it is still the caller's. */
int socket_inherit(struct event_base *base, int fd, struct evconnlistener **ret, struct error *err);

/* How many connections this process has accepted on the unix socket @path and still has. */
unsigned int socket_count(const char *path);

#endif
