/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes back to the client. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <event2/http.h>
#include <jansson.h>

#include "base/error.h"

/* 200 with @answer, which stays the caller's. */
void reply_json(struct evhttp_request *http, const json_t *answer);

/* The error body of include/lbd/api.h, with the HTTP status that fits errno -@code. */
void reply_error(struct evhttp_request *http, int code, const struct error *err);

/* To a request that was left for later: @answer, which is taken, or with a negative @rc the error. */
void reply_later(struct evhttp_request *http, int rc, json_t *answer, const struct error *err);

#endif
