/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control API of the daemon: HTTP and JSON on the instance's unix socket.
 * include/lbd/api.h is the contract, API.md shows it by example.
 */
#ifndef API_API_H
#define API_API_H

#include "base/error.h"

struct api;
struct lbd;

/*
 * Listen on lbd->run_dir/api.sock, answering from lbd->base. A socket left by
 * a killed daemon is replaced; -EADDRINUSE if a daemon answers on it. *ret is
 * the caller's. @lbd must outlive it. The process ignores SIGPIPE from then on.
 */
int api_new(struct lbd *lbd, struct api **ret, struct error *err);

/* Closes all connections and removes the socket. Accepts NULL. */
void api_free(struct api *api);

#endif
