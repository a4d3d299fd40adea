/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ZAP (ZeroMQ RFC 27): libzmq asks here before it lets a connection in. Those
 * let in are the peers, by public key; in plaintext by address alone.
 *
 * The key stays with the connection as its User-Id, and each message's is
 * looked up again: a key that was taken off the list says nothing any more,
 * whenever it was let in. libzmq lets anybody in whom no handler judges; but
 * then there is no User-Id, and the messages are refused.
 */
#ifndef SYNC_ZAP_H
#define SYNC_ZAP_H

#include "sync/refusal.h"
#include "sync/sync.h"

#define ZAP_DOMAIN "lbd"

struct zap;

/* Answer what is asked in this ZeroMQ context. 0 or a negative errno. */
int zap_new(void *context, struct zap **ret);
void zap_free(struct zap *zap); /* accepts NULL */

/* Let in the peers of @config, and nobody else. 0 or -ENOMEM, then nothing has changed. */
int zap_admit(struct zap *zap, const struct sync_config *config);

/* Answer what was asked; count who is refused. */
void zap_serve(struct zap *zap, struct refusals *refusals);

/* The name of the peer with this key, or NULL. */
const char *zap_name(const struct zap *zap, const char *key);

bool zap_is_plaintext(const struct zap *zap);

/* What is to be polled for reading. */
void *zap_socket(struct zap *zap);

/* The socket's connections are to be judged here. Before it is bound. 0 or a negative errno. */
int zap_guard(void *socket);

#endif
