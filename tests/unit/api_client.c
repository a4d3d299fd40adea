// SPDX-License-Identifier: GPL-2.0-or-later
#include "api_client.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_MAX (8 << 20)
#define PATIENCE_MS 5000

int client_dial(const struct fake_state *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", fake->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void client_throw(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += sent;
		size -= (size_t)sent;
	}
}

char *client_drain(int fd)
{
	char *text = malloc(ANSWER_MAX + 1);
	size_t size = 0;

	for (;;) {
		struct pollfd ready = { fd, POLLIN, 0 };
		ssize_t got;

		if (poll(&ready, 1, PATIENCE_MS) <= 0) {
			free(text);
			return NULL;
		}
		got = read(fd, text + size, ANSWER_MAX - size);
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	text[size] = '\0';
	return text;
}

static char *exchange(const struct fake_state *fake, const char *method, const char *path,
		      const char *body)
{
	int fd = client_dial(fake);
	char *answer;

	dprintf(fd,
		"%s %s HTTP/1.1\r\nHost: lbd\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, body ? strlen(body) : 0, body ? body : "");
	answer = client_drain(fd);
	close(fd);
	assert_non_null(answer);
	return answer;
}

json_t *client_ask(const struct fake_state *fake, const char *method, const char *path,
		   const char *body, int status)
{
	char *answer = exchange(fake, method, path, body), *start;
	json_t *json;
	int got = 0;

	assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &got), 1);
	assert_int_equal(got, status);
	start = strstr(answer, "\r\n\r\n");
	assert_non_null(start);
	json = json_loads(start + 4, 0, NULL);
	assert_non_null(json);
	free(answer);
	return json;
}

json_t *client_get(const struct fake_state *fake, const char *path)
{
	return client_ask(fake, "GET", path, NULL, 200);
}

void client_refused(const struct fake_state *fake, const char *method, const char *path,
		    const char *body, int status, const char *code)
{
	json_t *json = client_ask(fake, method, path, body, status);
	const json_t *error = json_object_get(json, "error");

	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	assert_true(strlen(json_string_value(json_object_get(error, "message"))) > 5);
	assert_non_null(json_object_get(error, "hint"));
	json_decref(json);
}

void client_assert_alive(const struct fake_state *fake)
{
	json_decref(client_get(fake, "/v1/version"));
}

json_int_t client_number(const json_t *json, const char *a, const char *b, const char *c)
{
	json = json_object_get(json, a);
	if (b)
		json = json_object_get(json, b);
	if (c)
		json = json_object_get(json, c);
	assert_true(json_is_integer(json));
	return json_integer_value(json);
}

const char *client_text(const json_t *json, size_t place, const char *key)
{
	return json_string_value(json_object_get(json_array_get(json, place), key));
}

void client_throw_many(int fd, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		client_throw(fd, text, strlen(text));
}

int client_start(void **state)
{
	*state = fake_start();
	return 0;
}

int client_stop(void **state)
{
	fake_stop(*state);
	return 0;
}
