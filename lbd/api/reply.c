// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/reply.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"

#define REPLY_INTERNAL 500

static const struct {
	int code, status;
	const char *reason;
} reply_statuses[] = {
	{ EINVAL, 400, "Bad Request" },
	{ EPERM, 403, "Forbidden" },
	{ ENOENT, 404, "Not Found" },
	{ ENOTSUP, 405, "Method Not Allowed" },
	{ EEXIST, 409, "Conflict" },
	{ EBUSY, 409, "Conflict" },
	{ EPROTO, 409, "Conflict" },
	{ E2BIG, 413, "Content Too Large" },
	{ 0, REPLY_INTERNAL, "Internal Server Error" },
};

/*
 * What is answered may have kept the loop for longer than a client may be silent: the verifier has
 * loaded a packet path on a slow machine. That was our silence: the client's counts from now on, or
 * the loop would drop it before it sends the answer.
 */
static void reply_forgive_silence(struct evhttp_request *http)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(http);

	event_base_update_cache_time(evhttp_connection_get_base(connection));
	evhttp_connection_set_timeout(connection, API_IDLE_SECONDS);
}

static void reply_send(struct evhttp_request *http, int status, const char *reason,
		       const json_t *answer)
{
	struct evbuffer *buffer = evbuffer_new();
	char *text = json_dumps(answer, JSON_COMPACT);

	reply_forgive_silence(http);
	if (buffer && text && !evbuffer_add(buffer, text, strlen(text))) {
		evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type",
				  "application/json");
		evhttp_send_reply(http, status, reason, buffer);
	} else {
		evhttp_send_error(http, REPLY_INTERNAL, NULL);
	}
	free(text);
	if (buffer)
		evbuffer_free(buffer);
}

void reply_json(struct evhttp_request *http, const json_t *answer)
{
	reply_send(http, 200, "OK", answer);
}

static size_t reply_status(int code)
{
	size_t i = 0;

	while (reply_statuses[i].code && reply_statuses[i].code != -code)
		i++;
	return i;
}

void reply_error(struct evhttp_request *http, int code, const struct error *err)
{
	const char *name = strerrorname_np(-code);
	size_t status = reply_status(code);
	json_t *body;

	body = json_pack("{s:{s:o, s:o, s:s}}", "error", "message",
			 api_text(err->text[0] ? err->text : strerror(-code)), "hint",
			 api_text(err->hint[0] ? err->hint : NULL), "code", name ? name : "EIO");
	reply_send(http, reply_statuses[status].status, reply_statuses[status].reason, body);
	json_decref(body);
}

void reply_later(struct evhttp_request *http, int rc, json_t *answer, const struct error *err)
{
	static const struct error no_memory = { .text = "out of memory" };

	if (answer)
		reply_json(http, answer);
	else
		reply_error(http, rc ? rc : -ENOMEM, rc ? err : &no_memory);
	json_decref(answer);
}
