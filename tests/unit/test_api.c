// SPDX-License-Identifier: GPL-2.0-or-later
/* The control API over its socket: answers, refusals, and what isn't HTTP at all. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
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
#include "fake_lbd.h"
#include "lbd/api.h"

#define ANSWER_MAX (8 << 20)
#define PATIENCE_MS 5000

/* --- a client as plain as can be */

static int dial(const struct fake_state *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", fake->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Send what the server takes: it may hang up on nonsense. */
static void throw(int fd, const void *data, size_t size)
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

/* Read until the server closes; NULL if it neither answers nor closes in time. */
static char *drain(int fd)
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
	int fd = dial(fake);
	char *answer;

	dprintf(fd,
		"%s %s HTTP/1.1\r\nHost: lbd\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, body ? strlen(body) : 0, body ? body : "");
	answer = drain(fd);
	close(fd);
	assert_non_null(answer);
	return answer;
}

/* The answer's JSON, the caller's; its HTTP status must be @status. */
static json_t *ask(const struct fake_state *fake, const char *method, const char *path,
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

static json_t *get(const struct fake_state *fake, const char *path)
{
	return ask(fake, "GET", path, NULL, 200);
}

/* Ask for @path and expect the error body with @code. */
static void refused(const struct fake_state *fake, const char *method, const char *path,
		    const char *body, int status, const char *code)
{
	json_t *json = ask(fake, method, path, body, status);
	const json_t *error = json_object_get(json, "error");

	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	assert_true(strlen(json_string_value(json_object_get(error, "message"))) > 5);
	assert_non_null(json_object_get(error, "hint"));
	json_decref(json);
}

static void assert_alive(const struct fake_state *fake)
{
	json_decref(get(fake, "/v1/version"));
}

static int start(void **state)
{
	*state = fake_start();
	return 0;
}

static int stop(void **state)
{
	fake_stop(*state);
	return 0;
}

/* --- the examples of API.md */

/* Every key of @example is in @answer with a like value; null and 0.9 fit anything. */
static void assert_like(const char *where, const json_t *example, const json_t *answer)
{
	const char *key;
	json_t *value;

	if (json_is_array(example)) {
		assert_true(json_is_array(answer));
		if (json_array_size(answer) && json_array_size(example))
			assert_like(where, json_array_get(example, 0), json_array_get(answer, 0));
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)example, key, value) {
		if (!json_object_get(answer, key))
			fail_msg("%s: the answer has no \"%s\"", where, key);
		assert_like(key, value, json_object_get(answer, key));
	}
}

/* "```json GET /v1/role" or "```json POST /v1/role {...}"; the example follows. */
static void check_example(const struct fake_state *fake, char *line, const char *text)
{
	char method[8], path[64];
	const char *body = strchr(line, '{');
	json_t *example = json_loads(text, 0, NULL), *answer;

	assert_non_null(example);
	assert_int_equal(sscanf(line, "```json %7s %63s", method, path), 2);
	answer = ask(fake, method, path, body, 200);
	assert_like(path, example, answer);
	json_decref(answer);
	json_decref(example);
}

static int check_examples(const struct fake_state *fake, FILE *file)
{
	char line[512], heading[512] = "", text[8192] = "";
	int checked = 0;

	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "```json ", 8)) {
			memcpy(heading, line, sizeof(line));
			text[0] = '\0';
		} else if (strncmp(line, "```", 3) != 0) {
			strncat(text, line, sizeof(text) - strlen(text) - 1);
		} else if (strncmp(heading, "```json error", 13) != 0) {
			check_example(fake, heading, text);
			checked++;
		}
	}
	return checked;
}

static void every_answer_has_the_keys_that_its_example_shows(void **state)
{
	struct fake_state *fake = *state;
	FILE *file = fopen("lbd/api/API.md", "r");

	assert_non_null(file);
	fake_connect(fake, 5, 1, 1, LBD_CONN_CONFIRMED, 1000);
	assert_int_equal(check_examples(fake, file), API_ENDPOINT_COUNT);
	fclose(file);
}

/* --- what the answers say */

static json_int_t number(const json_t *json, const char *a, const char *b, const char *c)
{
	json = json_object_get(json, a);
	if (b)
		json = json_object_get(json, b);
	if (c)
		json = json_object_get(json, c);
	assert_true(json_is_integer(json));
	return json_integer_value(json);
}

static const char *text_of(const json_t *json, size_t place, const char *key)
{
	return json_string_value(json_object_get(json_array_get(json, place), key));
}

static void status_counts_backends_and_connections(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake_connect(fake, 5, 1, 1, LBD_CONN_CONFIRMED, 0);
	fake_connect(fake, 6, 1, 3, LBD_CONN_CONFIRMED, 0);
	json = get(fake, "/v1/status");
	assert_int_equal(number(json, "services", NULL, NULL), 2);
	assert_int_equal(number(json, "backends", "total", NULL), 4);
	assert_int_equal(number(json, "backends", "up", NULL), 2);
	assert_int_equal(number(json, "connections", "ipv4", "entries"), 2);
	assert_int_equal(number(json, "connections", "ipv4", "slots"), 262144);
	assert_int_equal(number(json, "swept_claims", NULL, NULL), 3);
	json_decref(json);
}

static bool has_problem(const struct fake_state *fake, const char *what)
{
	json_t *json = get(fake, "/v1/status"), *problem;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(json, "problems"), i, problem)
		found |= !!strstr(json_string_value(json_object_get(problem, "what")), what);
	assert_true(!found || json_is_false(json_object_get(json, "ok")));
	json_decref(json);
	return found;
}

static void a_node_without_faults_is_ok(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake->lbd.model->backends[2].healthy = true;
	json = get(fake, "/v1/status");
	assert_true(json_is_true(json_object_get(json, "ok")));
	assert_int_equal(json_array_size(json_object_get(json, "problems")), 0);
	json_decref(json);
}

static void a_service_without_backends_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	assert_true(has_problem(fake, "service web: 1 of 3 backends down"));
	fake->lbd.model->backends[1].healthy = false;
	assert_true(has_problem(fake, "service web: no backend is up"));
}

static void a_closed_gate_is_a_problem_with_its_reason(void **state)
{
	struct fake_state *fake = *state;

	fake->ha.gate_open = false;
	assert_true(has_problem(fake, "gate closed: in sync with lb2"));
}

static void a_silent_peer_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	assert_false(has_problem(fake, "peer lb2"));
	fake->peer.heard_ms_ago = 3200;
	assert_true(has_problem(fake, "peer lb2 not heard for 3 s"));
	fake->peer.heard_ms_ago = -1;
	assert_true(has_problem(fake, "peer lb2 never heard"));
}

static void generic_xdp_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	fake->lbd.attachments[0].mode = CONFIG_XDP_GENERIC;
	assert_true(has_problem(fake, "eth0: generic XDP"));
}

static void a_missing_next_hop_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	fake->lbd.model->backends[1].nexthop.resolved = false;
	assert_true(has_problem(fake, "backend web1 of web: no next hop to 198.51.100.11"));
}

static void a_missing_packet_path_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	fake->generations[0].prog_id = 0;
	assert_true(has_problem(fake, "no packet path is loaded"));
}

static void services_say_which_of_them_are_gone(void **state)
{
	json_t *json = get(*state, "/v1/services"), *list = json_object_get(json, "services");

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text_of(list, 0, "state"), "up");
	assert_string_equal(text_of(list, 1, "protocol"), "udp");
	assert_string_equal(text_of(list, 2, "state"), "gone");
	json_decref(json);
}

static void backends_can_be_asked_for_by_service(void **state)
{
	json_t *json = get(*state, "/v1/backends?service=web");
	json_t *list = json_object_get(json, "backends");

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text_of(list, 0, "state"), "up");
	assert_string_equal(text_of(list, 1, "state"), "down");
	assert_string_equal(text_of(list, 2, "state"), "draining");
	json_decref(json);
	refused(*state, "GET", "/v1/backends?service=wbe", NULL, 404, "ENOENT");
	refused(*state, "GET", "/v1/backends?srevice=web", NULL, 400, "EINVAL");
}

static void a_backend_that_is_not_checked_has_no_health(void **state)
{
	json_t *json = get(*state, "/v1/backends?service=dns6");
	json_t *first = json_array_get(json_object_get(json, "backends"), 0);

	assert_true(json_is_null(json_object_get(first, "health")));
	json_decref(json);
}

static void counters_are_shares_of_all_packets(void **state)
{
	json_t *json = get(*state, "/v1/counters"), *list = json_object_get(json, "outcomes");
	double share;

	assert_int_equal(number(json, "packets", NULL, NULL), 100);
	assert_int_equal(json_array_size(list), LBD_OUTCOME_COUNT);
	share = json_real_value(
		json_object_get(json_array_get(list, LBD_OUTCOME_FORWARD_KNOWN), "share"));
	assert_int_equal((int)(1000 * share), 900);
	json_decref(json);
}

static void a_node_alone_has_no_peers(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake->lbd.sync = NULL;
	json = get(fake, "/v1/peers");
	assert_int_equal(json_array_size(json_object_get(json, "peers")), 0);
	json_decref(json);
}

/* --- connections */

static void assert_count(const struct fake_state *fake, const char *query, json_int_t count,
			 json_int_t shown)
{
	char path[256];
	json_t *json;

	snprintf(path, sizeof(path), "/v1/connections?%s", query);
	json = get(fake, path);
	if (number(json, "count", NULL, NULL) != count)
		fail_msg("%s: counted %lld, expected %lld", query,
			 (long long)number(json, "count", NULL, NULL), (long long)count);
	assert_int_equal(number(json, "shown", NULL, NULL), shown);
	assert_int_equal(json_array_size(json_object_get(json, "connections")), shown);
	json_decref(json);
}

static void connections_are_filtered_by_everything_at_once(void **state)
{
	struct fake_state *fake = *state;

	fake_connect(fake, 1, 1, 1, LBD_CONN_CONFIRMED, 0);
	fake_connect(fake, 2, 1, 2, LBD_CONN_CONFIRMED | LBD_CONN_REMOTE, 0);
	fake_connect(fake, 3, 1, 3, LBD_CONN_CONFIRMED | LBD_CONN_CLOSING, 0);
	fake_connect(fake, 4, 2, 4, LBD_CONN_UDP, 0);
	fake_connect(fake, 5, 2, 4, LBD_CONN_CONFIRMED | LBD_CONN_UDP, 3000000);
	assert_count(fake, "", 5, 5);
	assert_count(fake, "service=web", 3, 3);
	assert_count(fake, "backend=web2", 1, 1);
	assert_count(fake, "backend=198.51.100.13", 1, 1);
	assert_count(fake, "state=established", 2, 2);
	assert_count(fake, "state=remote", 1, 1);
	assert_count(fake, "state=closing", 1, 1);
	assert_count(fake, "state=new", 1, 1);
	assert_count(fake, "state=expired", 1, 1);
	assert_count(fake, "client=203.0.113.4", 1, 1);
	assert_count(fake, "client=203.0.113.4%2F31", 2, 2);
	assert_count(fake, "client=2001:db8::/32", 0, 0);
	assert_count(fake, "service=web&state=established&backend=web1&limit=1", 1, 1);
	assert_count(fake, "service=old", 0, 0);
}

static void a_limit_bounds_what_is_shown_but_not_the_count(void **state)
{
	struct fake_state *fake = *state;

	for (uint32_t n = 0; n < 200; n++)
		fake_connect(fake, n, 1, 1, LBD_CONN_CONFIRMED, 0);
	assert_count(fake, "", 200, API_CONNECTIONS_DEFAULT);
	assert_count(fake, "limit=0", 200, 0);
	assert_count(fake, "limit=199", 200, 199);
}

static void a_connection_of_unknown_ids_is_shown_with_nulls(void **state)
{
	struct fake_state *fake = *state;
	json_t *json, *first;

	fake_connect(fake, 1, 5000, 9000, LBD_CONN_CONFIRMED, 0);
	json = get(fake, "/v1/connections");
	first = json_array_get(json_object_get(json, "connections"), 0);
	assert_true(json_is_null(json_object_get(first, "service")));
	assert_true(json_is_null(json_object_get(first, "backend")));
	json_decref(json);
}

static void a_faulty_filter_is_refused(void **state)
{
	static const char *const queries[] = {
		"state=foo",
		"limit=-1",
		"limit=10001",
		"limit=1x",
		"limit=",
		"client=203.0.113.1/24",
		"client=host",
		"clinet=1",
		"state",
		"=",
		"limit=18446744073709551617",
		"client=%ff%fe",
		"state=%00",
		"a=1&a=2&&",
	};
	char path[128];

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		snprintf(path, sizeof(path), "/v1/connections?%s", queries[i]);
		refused(*state, "GET", path, NULL, 400, "EINVAL");
	}
	refused(*state, "GET", "/v1/connections?service=nix", NULL, 404, "ENOENT");
	refused(*state, "GET", "/v1/connections?backend=nix", NULL, 404, "ENOENT");
}

/* --- changes */

static void a_backend_change_reaches_the_daemon(void **state)
{
	struct fake_state *fake = *state;

	json_decref(
		ask(fake, "POST", "/v1/backends",
		    "{\"action\":\"weight\",\"service\":\"web\",\"backend\":\"web1\",\"weight\":7}",
		    200));
	assert_int_equal(fake->change.action, LBD_BACKEND_WEIGHT);
	assert_int_equal(fake->change.weight, 7);
	assert_string_equal(fake->changed, "web/web1");
}

static void a_backend_is_added_with_the_default_weight(void **state)
{
	struct fake_state *fake = *state;

	json_decref(ask(fake, "POST", "/v1/backends",
			"{\"action\":\"add\",\"service\":\"web\",\"backend\":\"web9\","
			"\"address\":\"198.51.100.19\"}",
			200));
	assert_int_equal(fake->change.action, LBD_BACKEND_ADD);
	assert_int_equal(fake->change.weight, 100);
}

static void a_faulty_change_is_refused(void **state)
{
	static const char *const bodies[] = {
		"",
		"{",
		"[]",
		"{}",
		"\"drain\"",
		"{\"action\":\"drain\",\"service\":\"web\"}",
		"{\"action\":\"drain\",\"service\":\"web\",\"backend\":1}",
		"{\"action\":\"drian\",\"service\":\"web\",\"backend\":\"web1\"}",
		"{\"action\":\"drain\",\"service\":\"web\",\"backend\":\"web1\",\"x\":1}",
		"{\"action\":\"add\",\"service\":\"web\",\"backend\":\"web1\"}",
		"{\"action\":\"weight\",\"service\":\"web\",\"backend\":\"web1\"}",
		"{\"action\":\"weight\",\"service\":\"web\",\"backend\":\"web1\",\"weight\":65536}",
		"{\"action\":\"weight\",\"service\":\"web\",\"backend\":\"web1\",\"weight\":-1}",
		"{\"action\":\"a\",\"action\":\"b\"}",
		"{\"action\":\"drain\",\"service\":\"w\\u0000eb\",\"backend\":\"web1\"}",
	};
	struct fake_state *fake = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		refused(fake, "POST", "/v1/backends", bodies[i], 400, "EINVAL");
	assert_string_equal(fake->changed, "");
}

static void an_upgrade_takes_absolute_paths_only(void **state)
{
	struct fake_state *fake = *state;

	json_decref(ask(fake, "POST", "/v1/upgrade", NULL, 200));
	assert_string_equal(fake->object, "installed");
	json_decref(ask(fake, "POST", "/v1/upgrade", "{\"object\":\"/x/lb.bpf.o\"}", 200));
	assert_string_equal(fake->object, "/x/lb.bpf.o");
	refused(fake, "POST", "/v1/upgrade", "{\"object\":\"lb.bpf.o\"}", 400, "EINVAL");
	assert_int_equal(fake->upgrades, 2);
}

static void what_the_daemon_refuses_comes_back_with_its_hint(void **state)
{
	static const struct {
		int code, status;
		const char *name;
	} cases[] = {
		{ -EPROTO, 409, "EPROTO" }, { -ENOENT, 404, "ENOENT" }, { -EEXIST, 409, "EEXIST" },
		{ -EINVAL, 400, "EINVAL" }, { -EIO, 500, "EIO" },	{ -E2BIG, 413, "E2BIG" },
	};
	struct fake_state *fake = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake->fail = cases[i].code;
		refused(fake, "POST", "/v1/upgrade", NULL, cases[i].status, cases[i].name);
		refused(fake, "POST", "/v1/rollback", NULL, cases[i].status, cases[i].name);
		refused(fake, "POST", "/v1/reload", NULL, cases[i].status, cases[i].name);
	}
}

static void a_reload_says_that_runtime_changes_are_gone(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake->lbd.runtime_changes = true;
	json = ask(fake, "POST", "/v1/reload", NULL, 200);
	assert_true(json_is_true(json_object_get(json, "runtime_changes_dropped")));
	json_decref(json);
}

static void a_role_is_set_or_refused(void **state)
{
	struct fake_state *fake = *state;

	json_decref(ask(fake, "POST", "/v1/role", "{\"role\":\"backup\"}", 200));
	assert_int_equal(fake->ha.role, HA_ROLE_BACKUP);
	refused(fake, "POST", "/v1/role", "{\"role\":\"king\"}", 400, "EINVAL");
}

/* --- not what we serve, or not HTTP at all */

static void a_wrong_path_or_method_is_refused(void **state)
{
	refused(*state, "GET", "/", NULL, 404, "ENOENT");
	refused(*state, "GET", "/v1/statu", NULL, 404, "ENOENT");
	refused(*state, "GET", "/v1/status/../status", NULL, 404, "ENOENT");
	refused(*state, "POST", "/v1/status", NULL, 405, "EOPNOTSUPP");
	refused(*state, "GET", "/v1/reload", NULL, 405, "EOPNOTSUPP");
	refused(*state, "DELETE", "/v1/backends", NULL, 405, "EOPNOTSUPP");
}

static void random_bytes_do_not_harm_the_server(void **state)
{
	unsigned char bytes[2048];

	srand(1);
	for (int round = 0; round < 200; round++) {
		int fd = dial(*state);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)rand();
		throw(fd, bytes, (size_t)rand() % sizeof(bytes));
		close(fd);
	}
	assert_alive(*state);
}

/* A sound request with one byte changed, at every place. */
static void a_damaged_request_does_not_harm_the_server(void **state)
{
	static const char sound[] = "POST /v1/role?a=b HTTP/1.1\r\nHost: lbd\r\n"
				    "Content-Length: 17\r\n\r\n{\"role\":\"backup\"}";
	char damaged[sizeof(sound)];

	for (size_t i = 0; i < 2 * (sizeof(sound) - 1); i++) {
		int fd = dial(*state);

		memcpy(damaged, sound, sizeof(sound));
		damaged[i / 2] = i % 2 ? '\0' : (char)0xff;
		throw(fd, damaged, sizeof(sound) - 1);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	assert_alive(*state);
}

static void throw_many(int fd, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		throw(fd, text, strlen(text));
}

static void huge_headers_are_refused(void **state)
{
	int fd = dial(*state);
	char *answer;

	throw(fd, "GET /v1/status HTTP/1.1\r\n", 25);
	throw_many(fd, "X-Header: 0123456789012345678901234567890123456789\r\n", 20000);
	answer = drain(fd);
	assert_non_null(answer);
	assert_null(strstr(answer, "200 OK"));
	free(answer);
	close(fd);
	assert_alive(*state);
}

static void an_endless_request_line_is_refused(void **state)
{
	int fd = dial(*state);
	char *answer;

	throw_many(fd, "GET/0123456789012345678901234567890123456789", 20000);
	answer = drain(fd);
	assert_non_null(answer);
	free(answer);
	close(fd);
	assert_alive(*state);
}

static void assert_body_refused(struct fake_state *fake, const char *length)
{
	int fd = dial(fake);
	char *answer;

	dprintf(fd, "POST /v1/role HTTP/1.1\r\nHost: lbd\r\nContent-Length: %s\r\n\r\n", length);
	throw_many(fd, "                                                                ", 4096);
	answer = drain(fd);
	assert_non_null(answer);
	assert_null(strstr(answer, "200 OK"));
	free(answer);
	close(fd);
	assert_alive(fake);
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
	int fd = dial(fake);
	char *answer;

	dprintf(fd, "POST /v1/role HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	throw_many(fd, text, 16384);
	answer = drain(fd);
	assert_non_null(answer);
	assert_null(strstr(answer, "200 OK"));
	free(answer);
	close(fd);
	assert_alive(fake);
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
		fds[i] = dial(*state);
		throw(fds[i], "GET /v1/sta", i % 12);
	}
	assert_alive(*state);
	for (size_t i = 0; i < 100; i++)
		close(fds[i]);
	assert_alive(*state);
}

static void a_client_that_does_not_read_blocks_nobody(void **state)
{
	struct fake_state *fake = *state;
	int fd = dial(fake);

	for (uint32_t n = 0; n < 10000; n++)
		fake_connect(fake, n, 1, 1, LBD_CONN_CONFIRMED, 0);
	dprintf(fd, "GET /v1/connections?limit=10000 HTTP/1.1\r\nHost: lbd\r\n\r\n");
	assert_alive(fake);
	close(fd);
	assert_alive(fake);
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

	assert_int_equal(api_new(&fake->lbd, &api, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another daemon"));
	assert_alive(fake);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_answer_has_the_keys_that_its_example_shows),
		TEST(status_counts_backends_and_connections),
		TEST(a_node_without_faults_is_ok),
		TEST(a_service_without_backends_is_a_problem),
		TEST(a_closed_gate_is_a_problem_with_its_reason),
		TEST(a_silent_peer_is_a_problem),
		TEST(generic_xdp_is_a_problem),
		TEST(a_missing_next_hop_is_a_problem),
		TEST(a_missing_packet_path_is_a_problem),
		TEST(services_say_which_of_them_are_gone),
		TEST(backends_can_be_asked_for_by_service),
		TEST(a_backend_that_is_not_checked_has_no_health),
		TEST(counters_are_shares_of_all_packets),
		TEST(a_node_alone_has_no_peers),
		TEST(connections_are_filtered_by_everything_at_once),
		TEST(a_limit_bounds_what_is_shown_but_not_the_count),
		TEST(a_connection_of_unknown_ids_is_shown_with_nulls),
		TEST(a_faulty_filter_is_refused),
		TEST(a_backend_change_reaches_the_daemon),
		TEST(a_backend_is_added_with_the_default_weight),
		TEST(a_faulty_change_is_refused),
		TEST(an_upgrade_takes_absolute_paths_only),
		TEST(what_the_daemon_refuses_comes_back_with_its_hint),
		TEST(a_reload_says_that_runtime_changes_are_gone),
		TEST(a_role_is_set_or_refused),
		TEST(a_wrong_path_or_method_is_refused),
		TEST(random_bytes_do_not_harm_the_server),
		TEST(a_damaged_request_does_not_harm_the_server),
		TEST(huge_headers_are_refused),
		TEST(an_endless_request_line_is_refused),
		TEST(a_huge_body_is_refused),
		TEST(an_endless_chunked_body_is_refused),
		TEST(slow_clients_block_nobody),
		TEST(a_client_that_does_not_read_blocks_nobody),
		TEST(the_socket_is_for_owner_and_group_only),
		TEST(a_second_daemon_does_not_take_the_socket),
		TEST(the_socket_of_a_killed_daemon_is_replaced),
		TEST(what_is_no_socket_is_never_removed),
		TEST(a_path_too_long_for_a_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
