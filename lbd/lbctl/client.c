// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbctl/report.h"

#define CLIENT_ANSWER_MAX (64UL << 20) /* 10000 connections take 3 MB */

static const struct {
	const char *method, *path;
} client_endpoints[] = {
#define X(endpoint, method, path, what) { #method, path },
	API_ENDPOINTS(X)
#undef X
};

struct client_answer {
	char *text;
	size_t size;
	long status;
};

static size_t client_receive(char *data, size_t size, size_t count, void *context)
{
	struct client_answer *answer = context;
	char *text;

	if (answer->size + size * count > CLIENT_ANSWER_MAX)
		return 0;
	text = realloc(answer->text, answer->size + size * count + 1);
	if (!text)
		return 0;
	memcpy(text + answer->size, data, size * count);
	answer->text = text;
	answer->size += size * count;
	return size * count;
}

/* The URL of @request; its host is only a name, the socket decides. curl_free() it. */
static char *client_url(const struct client_request *request)
{
	const struct client_parameter *parameter = request->query;
	CURLU *url = curl_url();
	char pair[1024], *text = NULL;

	curl_url_set(url, CURLUPART_SCHEME, "http", 0);
	curl_url_set(url, CURLUPART_HOST, "lbd", 0);
	curl_url_set(url, CURLUPART_PATH, client_endpoints[request->endpoint].path, 0);
	for (; parameter && parameter->name; parameter++) {
		if (!parameter->value)
			continue;
		snprintf(pair, sizeof(pair), "%s=%s", parameter->name, parameter->value);
		curl_url_set(url, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE);
	}
	curl_url_get(url, CURLUPART_URL, &text, 0);
	curl_url_cleanup(url);
	return text;
}

static int client_unreachable(const struct invocation *invocation, CURL *curl, CURLcode fault)
{
	long code = 0;
	char text[1024];

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &code);
	if (fault == CURLE_OPERATION_TIMEDOUT) {
		snprintf(text, sizeof(text), "lbd on %s doesn't answer within %ld s",
			 invocation->socket, invocation->timeout_s);
		return report_error(invocation, LBCTL_UNREACHABLE, "ETIMEDOUT", text,
				    "journalctl -u lbd");
	}
	if (code == EACCES) {
		snprintf(text, sizeof(text), "%s: only root and group " API_GROUP " may use it",
			 invocation->socket);
		return report_error(invocation, LBCTL_UNREACHABLE, "EACCES", text, "sudo lbctl");
	}
	snprintf(text, sizeof(text),
		 "lbd isn't running: nobody answers on %s (%s).\n"
		 "If it was attached, packets flow on by the pinned maps; meanwhile nothing checks "
		 "the backends or syncs with the peer.",
		 invocation->socket, code ? strerror((int)code) : curl_easy_strerror(fault));
	return report_error(invocation, LBCTL_UNREACHABLE,
			    code ? strerrorname_np((int)code) : "EIO", text,
			    "systemctl status lbd; journalctl -u lbd");
}

static CURLcode client_perform(CURL *curl, const struct invocation *invocation,
			       const struct client_request *request, struct client_answer *answer)
{
	char *url = client_url(request), *body = NULL;
	CURLcode fault;

	if (request->body)
		body = json_dumps(request->body, JSON_COMPACT);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, invocation->socket);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, invocation->timeout_s);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (!strcmp(client_endpoints[request->endpoint].method, "POST"))
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
	fault = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_free(url);
	free(body);
	return fault;
}

static int client_refused(const struct invocation *invocation, const struct client_answer *answer,
			  const json_t *json)
{
	const json_t *error = json_object_get(json, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *code = json_string_value(json_object_get(error, "code"));
	char text[128];

	if (message && code)
		return report_error(invocation, LBCTL_FAILED, code, message,
				    json_string_value(json_object_get(error, "hint")));
	snprintf(text, sizeof(text), "the daemon answered HTTP %ld without a reason",
		 answer->status);
	return report_error(invocation, LBCTL_FAILED, "EPROTO", text, NULL);
}

static int client_take(const struct invocation *invocation, const struct client_answer *answer,
		       json_t **ret)
{
	json_t *json = json_loadb(answer->text ? answer->text : "", answer->size, 0, NULL);
	int rc;

	if (json && answer->status == 200) {
		*ret = json;
		return LBCTL_OK;
	}
	rc = client_refused(invocation, answer, json);
	json_decref(json);
	return rc;
}

int client_call(const struct invocation *invocation, const struct client_request *request,
		json_t **ret)
{
	struct client_answer answer = { 0 };
	CURL *curl = curl_easy_init();
	CURLcode fault;
	int rc;

	if (!curl)
		return report_error(invocation, LBCTL_FAILED, "ENOMEM", "out of memory", NULL);
	fault = client_perform(curl, invocation, request, &answer);
	if (fault)
		rc = client_unreachable(invocation, curl, fault);
	else
		rc = client_take(invocation, &answer, ret);
	curl_easy_cleanup(curl);
	free(answer.text);
	return rc;
}

int client_path(const struct invocation *invocation, const char *path, char **ret)
{
	char text[512];

	*ret = realpath(path, NULL);
	if (*ret)
		return LBCTL_OK;
	snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
	return report_error(invocation, LBCTL_FAILED, strerrorname_np(errno), text, NULL);
}
