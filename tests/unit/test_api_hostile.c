// SPDX-License-Identifier: GPL-2.0-or-later
/* What isn't HTTP, is too much or too slow, and who may have the socket. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/socket.h"
#include "api_client.h"
#include "lbd/api.h"

/* --- not what we serve, or not HTTP at all */

static void a_wrong_path_or_method_is_refused(void **state)
{
	client_refused(*state, "GET", "/", NULL, 404, "ENOENT");
	client_refused(*state, "GET", "/v1/statu", NULL, 404, "ENOENT");
	client_refused(*state, "GET", "/v1/status/../status", NULL, 404, "ENOENT");
	client_refused(*state, "POST", "/v1/status", NULL, 405, "EOPNOTSUPP");
	client_refused(*state, "GET", "/v1/reload", NULL, 405, "EOPNOTSUPP");
	client_refused(*state, "DELETE", "/v1/backends", NULL, 405, "EOPNOTSUPP");
}

static void random_bytes_do_not_harm_the_server(void **state)
{
	unsigned char bytes[2048];

	srand(1);
	for (int round = 0; round < 200; round++) {
		int fd = client_dial(*state);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)rand();
		client_throw(fd, bytes, (size_t)rand() % sizeof(bytes));
		close(fd);
	}
	client_assert_alive(*state);
}

/* A sound request with one byte changed, at every place. */
static void a_damaged_request_does_not_harm_the_server(void **state)
{
	static const char sound[] = "POST /v1/role?a=b HTTP/1.1\r\nHost: lbd\r\n"
				    "Content-Length: 17\r\n\r\n{\"role\":\"backup\"}";
	char damaged[sizeof(sound)];

	for (size_t i = 0; i < 2 * (sizeof(sound) - 1); i++) {
		int fd = client_dial(*state);

		memcpy(damaged, sound, sizeof(sound));
		damaged[i / 2] = i % 2 ? '\0' : (char)0xff;
		client_throw(fd, damaged, sizeof(sound) - 1);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	client_assert_alive(*state);
}

/* Whatever was thrown at @fd, the server has answered, and not with a yes. Closes @fd. */
static void assert_refused(const struct fake_state *fake, int fd)
{
	char *answer = client_drain(fd);

	assert_non_null(answer);
	assert_null(strstr(answer, "200 OK"));
	free(answer);
	close(fd);
	client_assert_alive(fake);
}

static void huge_headers_are_refused(void **state)
{
	int fd = client_dial(*state);

	client_throw(fd, "GET /v1/status HTTP/1.1\r\n", 25);
	client_throw_many(fd, "X-Header: 0123456789012345678901234567890123456789\r\n", 20000);
	assert_refused(*state, fd);
}

static void an_endless_request_line_is_refused(void **state)
{
	int fd = client_dial(*state);

	client_throw_many(fd, "GET/0123456789012345678901234567890123456789", 20000);
	assert_refused(*state, fd);
}

static void assert_body_refused(struct fake_state *fake, const char *length)
{
	int fd = client_dial(fake);

	dprintf(fd, "POST /v1/role HTTP/1.1\r\nHost: lbd\r\nContent-Length: %s\r\n\r\n", length);
	client_throw_many(fd, "                                                                ",
			  4096);
	assert_refused(fake, fd);
}

static void a_huge_body_is_refused(void **state)
{
	assert_body_refused(*state, "262144");
	assert_body_refused(*state, "9223372036854775807");
	assert_body_refused(*state, "-1");
	assert_body_refused(*state, "99999999999999999999999999");
}

/* @text again and again where chunks of the body should come. */
static void assert_chunks_refused(struct fake_state *fake, const char *text)
{
	int fd = client_dial(fake);

	dprintf(fd, "POST /v1/role HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	client_throw_many(fd, text, 16384);
	assert_refused(fake, fd);
}

static void an_endless_chunked_body_is_refused(void **state)
{
	assert_chunks_refused(*state, "10\r\n                \r\n");
	assert_chunks_refused(*state, "                ");
	assert_chunks_refused(*state, "-1\r\n");
	assert_chunks_refused(*state, "ffffffffffffffff\r\n");
}

static void slow_clients_block_nobody(void **state)
{
	int fds[100];

	for (size_t i = 0; i < 100; i++) {
		fds[i] = client_dial(*state);
		client_throw(fds[i], "GET /v1/sta", i % 12);
	}
	client_assert_alive(*state);
	for (size_t i = 0; i < 100; i++)
		close(fds[i]);
	client_assert_alive(*state);
}

static void a_client_that_does_not_read_blocks_nobody(void **state)
{
	struct fake_state *fake = *state;
	int fd = client_dial(fake);

	for (uint32_t n = 0; n < 10000; n++)
		fake_connect(fake, n, 1, 1, LBD_CONN_CONFIRMED, 0);
	dprintf(fd, "GET /v1/connections?limit=10000 HTTP/1.1\r\nHost: lbd\r\n\r\n");
	client_assert_alive(fake);
	close(fd);
	client_assert_alive(fake);
}

/* --- the socket */

static void the_socket_is_for_owner_and_group_only(void **state)
{
	const struct fake_state *fake = *state;
	struct stat st;

	assert_int_equal(stat(fake->socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_second_daemon_does_not_take_the_socket(void **state)
{
	struct fake_state *fake = *state;
	struct api *api = NULL;
	struct error err = { 0 };

	assert_int_equal(api_new(&fake->lbd, -1, &api, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another daemon"));
	client_assert_alive(fake);
}

static void leave_dead_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void the_socket_of_a_killed_daemon_is_replaced(void **state)
{
	struct event_base *base = event_base_new();
	struct evconnlistener *listener = NULL;
	struct error err = { 0 };
	char path[100];

	snprintf(path, sizeof(path), "%.80s/dead.sock", ((struct fake_state *)*state)->lbd.run_dir);
	leave_dead_socket(path);
	assert_int_equal(socket_listen(base, path, &listener, &err), 0);
	evconnlistener_free(listener);
	event_base_free(base);
	unlink(path);
}

static void what_is_no_socket_is_never_removed(void **state)
{
	struct event_base *base = event_base_new();
	struct evconnlistener *listener = NULL;
	struct error err = { 0 };
	char path[100];

	snprintf(path, sizeof(path), "%.80s/file", ((struct fake_state *)*state)->lbd.run_dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(socket_listen(base, path, &listener, &err), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	event_base_free(base);
	unlink(path);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	struct error err = { 0 };
	struct evconnlistener *listener;
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(socket_listen(NULL, path, &listener, &err), -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "at most 107"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(a_wrong_path_or_method_is_refused),
		CLIENT_TEST(random_bytes_do_not_harm_the_server),
		CLIENT_TEST(a_damaged_request_does_not_harm_the_server),
		CLIENT_TEST(huge_headers_are_refused),
		CLIENT_TEST(an_endless_request_line_is_refused),
		CLIENT_TEST(a_huge_body_is_refused),
		CLIENT_TEST(an_endless_chunked_body_is_refused),
		CLIENT_TEST(slow_clients_block_nobody),
		CLIENT_TEST(a_client_that_does_not_read_blocks_nobody),
		CLIENT_TEST(the_socket_is_for_owner_and_group_only),
		CLIENT_TEST(a_second_daemon_does_not_take_the_socket),
		CLIENT_TEST(the_socket_of_a_killed_daemon_is_replaced),
		CLIENT_TEST(what_is_no_socket_is_never_removed),
		CLIENT_TEST(a_path_too_long_for_a_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
