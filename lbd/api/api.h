/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control API of the daemon: HTTP and JSON on the instance's unix socket.
 * include/lbd/api.h is the contract, API.md shows it by example.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>

#include "base/error.h"

struct api;
struct lbd;

/*
 * Listen on lbd->run_dir/api.sock (or go on with @listener, the socket of the
 * daemon that this one takes over from; -1: none), answering from lbd->base. A socket left by
 * a killed daemon is replaced; -EADDRINUSE if a daemon answers on it. *ret is
 * the caller's. @lbd must outlive it. The process ignores SIGPIPE from then on.
 */
int api_new(struct lbd *lbd, int listener, struct api **ret, struct error *err);

/* The listening socket. */
int api_listener(const struct api *api);

/* Accept no more connections (they wait), or do so again. */
void api_pause(struct api *api, bool pause);

/* Is no connection open? */
bool api_is_quiet(const struct api *api);

/* Closes all connections, and removes the socket unless lbd->handed_on. Accepts NULL. */
void api_free(struct api *api);

#endif
