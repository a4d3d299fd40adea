/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CURVE: the key pair of this node, in a file and on sockets. One pair serves
 * as the server key of the ROUTER and as the client key of the DEALERs.
 *
 *   lbctl keygen -> file (mode 0600) -> curve_read -> curve_serve, curve_join
 *
 * Keys are Z85 (ZeroMQ RFC 32) throughout: 40 characters.
 */
#ifndef SYNC_CURVE_H
#define SYNC_CURVE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/z85.h"

struct curve_pair {
	char public[Z85_KEY_SIZE];
	char secret[Z85_KEY_SIZE];
};

/* Was libzmq built with CURVE? If not, says so and what to do. 0 or -EOPNOTSUPP. */
int curve_check(struct error *err);

/* A new pair. 0 or a negative errno. */
int curve_generate(struct curve_pair *ret, struct error *err);

/* Write the secret key to a new file of mode 0600. -EEXIST: it is never overwritten. */
int curve_write(const char *path, const struct curve_pair *pair, struct error *err);

/*
 * Read the pair of a secret key's file. Refuses a file that others may read or
 * write or that isn't the caller's or root's (-EPERM), and what isn't a key in
 * a regular file (-EINVAL), saying what to do.
 */
int curve_read(const char *path, struct curve_pair *ret, struct error *err);

/* Overwrite the secret key. */
void curve_forget(struct curve_pair *pair);

/* Make a socket, before it is bound, the server of connections encrypted for @own. 0 or a negative errno. */
int curve_serve(void *socket, const struct curve_pair *own);

/* Make a socket, before it is connected, a client of the server with the public key @server. */
int curve_join(void *socket, const struct curve_pair *own, const char *server);

#endif
