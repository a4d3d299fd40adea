/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a running lbd hands over, as open files, and the messages around it:
 * one line each, on a unix socket that keeps messages apart.
 *
 *   heir -> running   "ask 1"          it is ready to go on
 *                     "running"        it goes on
 *                     "failed TEXT"
 *   running -> heir   "yours 1" with the parcel, or "refused TEXT"
 */
#ifndef TAKEOVER_PARCEL_H
#define TAKEOVER_PARCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PARCEL_SOCKET_NAME "takeover.sock"
#define PARCEL_ASK "ask 1"
#define PARCEL_YOURS "yours 1"
#define PARCEL_RUNNING "running"
#define PARCEL_REFUSED "refused "
#define PARCEL_FAILED "failed "
#define PARCEL_LINE_MAX 512

struct parcel {
	int api;    /* the listening socket of the control API, with its backlog */
	int lock;   /* of the instance: held as long as either side has it open */
	int memory; /* memory.h */
};

#define PARCEL_NONE                                 \
	{                                           \
		.api = -1, .lock = -1, .memory = -1 \
	}

/* The socket of @run_dir, listening; only its owner may connect. Returns an fd. */
int parcel_listen(const char *run_dir, struct error *err);

/* -ENOENT or -ECONNREFUSED: nobody listens. Returns an fd. */
int parcel_connect(const char *run_dir, struct error *err);

/* Is who connected of our own user? *ret_pid is its process. */
int parcel_check_peer(int fd, int *ret_pid);

/* Send @line, with @parcel unless it is NULL. */
int parcel_send(int fd, const char *line, const struct parcel *parcel);

/*
 * Receive a line, cut to PARCEL_LINE_MAX, and a parcel if one comes (else its
 * files are -1). 0, -EPIPE at the end, -EPROTO or another negative errno.
 */
int parcel_receive(int fd, char line[PARCEL_LINE_MAX], struct parcel *ret);

void parcel_close(struct parcel *parcel);

/* Through an exec: keep the files open and name them in the environment ... */
int parcel_keep(const struct parcel *parcel);

/* ... and find them there, once. False: there are none. */
bool parcel_find(struct parcel *ret);

#endif
