/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the daemon: HTTP over its unix socket. */
#ifndef LBCTL_CLIENT_H
#define LBCTL_CLIENT_H

#include <jansson.h>

#include "lbctl/command.h"

struct client_parameter {
	const char *name, *value; /* value NULL: left out */
};

struct client_request {
	enum api_endpoint endpoint;
	const struct client_parameter *query; /* up to a NULL name; or NULL */
	const json_t *body;		      /* or NULL */
};

/*
 * Ask, and wait for the answer. LBCTL_OK: *ret is the answer, the caller's.
 * Else the error has been reported (report.h): LBCTL_FAILED if the daemon
 * refused, LBCTL_UNREACHABLE if there is none.
 */
int client_call(const struct invocation *invocation, const struct client_request *request,
		json_t **ret);

/*
 * The absolute path of a file that the daemon is to read: it has another working
 * directory. LBCTL_OK: *ret is the caller's. Else the error has been reported.
 */
int client_path(const struct invocation *invocation, const char *path, char **ret);

#endif
