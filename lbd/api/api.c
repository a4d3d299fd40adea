// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server: a unix socket, evhttp with bounds, and the way from a request to
 * its handler and back.
 *
 *   socket -> evhttp (size and time limits) -> route by path and method
 *          -> body and query -> api_<endpoint>() -> JSON, or an error body
 *
 * Everything runs in the daemon's event loop: a handler must not wait. One that
 * has to answers later (API_LATER). evhttp
 * itself answers what isn't HTTP or is too large, and drops a client that goes
 * silent for API_IDLE_SECONDS.
 */
#include "api/api.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/reply.h"
#include "api/resource.h"
#include "api/socket.h"

/* A whole request, and one read of the next. */
#define API_INPUT_MAX (API_HEADERS_MAX + API_BODY_MAX + 16384)

struct api {
	struct lbd *lbd;
	struct evhttp *http;
	struct evconnlistener *listener; /* evhttp's */
	char path[sizeof(((struct lbd *)0)->run_dir) + sizeof(API_SOCKET_NAME)];
};

static const struct api_route {
	enum evhttp_cmd_type method;
	const char *method_name, *path;
	api_handler handler;
} api_routes[] = {
#define X(endpoint, method, path, what) { EVHTTP_REQ_##method, #method, path, api_##endpoint },
	API_ENDPOINTS(X)
#undef X
};

/* The route of @path and @method. -ENOENT: no such path; -ENOTSUP: not with this method. */
static int api_route_find(const char *path, enum evhttp_cmd_type method,
			  const struct api_route **ret, struct error *err)
{
	const struct api_route *other = NULL;

	for (size_t i = 0; i < API_ENDPOINT_COUNT; i++) {
		if (strcmp(api_routes[i].path, path) != 0)
			continue;
		*ret = other = &api_routes[i];
		if (other->method == method)
			return 0;
	}
	if (!other)
		return error_set(err, -ENOENT, "no such path: %.200s", path);
	return error_set(err, -ENOTSUP, "%s doesn't take this method, but %s", path,
			 other->method_name);
}

static int api_read_query(const struct evhttp_uri *uri, struct api_request *request,
			  struct error *err)
{
	const char *text = evhttp_uri_get_query(uri);

	if (text && *text && evhttp_parse_query_str(text, &request->query))
		return error_set(err, -EINVAL, "malformed query: %.200s", text);
	return 0;
}

static int api_read_body(struct evhttp_request *http, struct api_request *request,
			 struct error *err)
{
	struct evbuffer *buffer = evhttp_request_get_input_buffer(http);
	size_t size = evbuffer_get_length(buffer);
	json_error_t fault;

	if (!size)
		return 0;
	request->body = json_loadb((const char *)evbuffer_pullup(buffer, -1), size,
				   JSON_REJECT_DUPLICATES, &fault);
	if (!request->body)
		return error_set(err, -EINVAL, "body isn't JSON: line %d: %s", fault.line,
				 fault.text);
	if (!json_is_object(request->body))
		return error_set(err, -EINVAL, "body: expected a JSON object");
	return 0;
}

static int api_handle(struct lbd *lbd, struct evhttp_request *http, struct api_request *request,
		      json_t **ret, struct error *err)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const struct api_route *route = NULL;
	int rc;

	rc = api_route_find(path ? path : "", evhttp_request_get_command(http), &route, err);
	if (!rc)
		rc = api_read_query(uri, request, err);
	if (!rc)
		rc = api_read_body(http, request, err);
	if (!rc)
		rc = route->handler(lbd, request, ret, err);
	if (!rc && !*ret)
		rc = error_set(err, -ENOMEM, "out of memory");
	return rc;
}

static void api_answer(struct evhttp_request *http, void *context)
{
	const struct api *api = context;
	struct api_request request = { .http = http };
	struct error err = { 0 };
	json_t *answer = NULL;
	int rc;

	rc = api_handle(api->lbd, http, &request, &answer, &err);
	if (rc < 0)
		reply_error(http, rc, &err);
	else if (rc != API_LATER)
		reply_json(http, answer);
	json_decref(answer);
	json_decref(request.body);
	evhttp_clear_headers(&request.query);
}

/*
 * evhttp bounds headers and bodies, but not the line between two chunks of a
 * body: it would take memory as long as bytes come. Nothing sound fills this much.
 */
static void api_bound_input(struct evbuffer *input, const struct evbuffer_cb_info *info,
			    void *context)
{
	(void)info;
	if (evbuffer_get_length(input) > API_INPUT_MAX)
		shutdown(bufferevent_getfd(context), SHUT_RDWR);
}

/* The bufferevent of a new connection, as evhttp would make it, but bounded. */
static struct bufferevent *api_new_input(struct event_base *base, void *context)
{
	struct bufferevent *input = bufferevent_socket_new(base, -1, 0);

	(void)context;
	if (input)
		evbuffer_add_cb(bufferevent_get_input(input), api_bound_input, input);
	return input;
}

static void api_configure(struct api *api)
{
	/* libevent writes without MSG_NOSIGNAL: a client that hangs up early would kill us. */
	signal(SIGPIPE, SIG_IGN);
	evhttp_set_max_headers_size(api->http, API_HEADERS_MAX);
	evhttp_set_max_body_size(api->http, API_BODY_MAX);
	evhttp_set_bevcb(api->http, api_new_input, NULL);
	evhttp_set_timeout(api->http, API_IDLE_SECONDS);
	/* The wrong ones too, so that they get an error body of ours. */
	evhttp_set_allowed_methods(api->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
						      EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
						      EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
	evhttp_set_gencb(api->http, api_answer, api);
}

static int api_listen(struct api *api, int inherited, struct error *err)
{
	int rc;

	if (inherited >= 0)
		rc = socket_inherit(api->lbd->base, inherited, &api->listener, err);
	else
		rc = socket_listen(api->lbd->base, api->path, &api->listener, err);
	if (rc)
		return rc;
	if (evhttp_bind_listener(api->http, api->listener))
		return 0;
	evconnlistener_free(api->listener);
	if (inherited < 0)
		unlink(api->path);
	return error_set(err, -ENOMEM, "control API: out of memory");
}

int api_new(struct lbd *lbd, int listener, struct api **ret, struct error *err)
{
	struct api *api = calloc(1, sizeof(*api));
	int rc = -ENOMEM;

	if (!api)
		return error_set(err, -ENOMEM, "control API: out of memory");
	api->lbd = lbd;
	snprintf(api->path, sizeof(api->path), "%s/" API_SOCKET_NAME, lbd->run_dir);
	api->http = evhttp_new(lbd->base);
	if (api->http) {
		api_configure(api);
		rc = api_listen(api, listener, err);
	}
	if (!rc) {
		*ret = api;
		return 0;
	}
	if (api->http)
		evhttp_free(api->http);
	free(api);
	return rc;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	if (!api->lbd->handed_on)
		unlink(api->path);
	evhttp_free(api->http);
	free(api);
}

int api_listener(const struct api *api)
{
	return evconnlistener_get_fd(api->listener);
}

void api_pause(struct api *api, bool pause)
{
	if (pause)
		evconnlistener_disable(api->listener);
	else
		evconnlistener_enable(api->listener);
}

bool api_is_quiet(const struct api *api)
{
	return !socket_count(api->path);
}
