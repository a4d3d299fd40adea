// SPDX-License-Identifier: GPL-2.0-or-later
/* What the control API is asked: filters, changes, and what it refuses of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_client.h"
#include "lbd/api.h"

/* --- connections */

static void assert_count(const struct fake_state *fake, const char *query, json_int_t count,
			 json_int_t shown)
{
	char path[256];
	json_t *json;

	snprintf(path, sizeof(path), "/v1/connections?%s", query);
	json = client_get(fake, path);
	if (client_number(json, "count", NULL, NULL) != count)
		fail_msg("%s: counted %lld, expected %lld", query,
			 (long long)client_number(json, "count", NULL, NULL), (long long)count);
	assert_int_equal(client_number(json, "shown", NULL, NULL), shown);
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
	json = client_get(fake, "/v1/connections");
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
		client_refused(*state, "GET", path, NULL, 400, "EINVAL");
	}
	client_refused(*state, "GET", "/v1/connections?service=nix", NULL, 404, "ENOENT");
	client_refused(*state, "GET", "/v1/connections?backend=nix", NULL, 404, "ENOENT");
}

/* --- changes */

static void a_backend_change_reaches_the_daemon(void **state)
{
	struct fake_state *fake = *state;

	json_decref(client_ask(
		fake, "POST", "/v1/backends",
		"{\"action\":\"weight\",\"service\":\"web\",\"backend\":\"web1\",\"weight\":7}",
		200));
	assert_int_equal(fake->change.action, LBD_BACKEND_WEIGHT);
	assert_int_equal(fake->change.weight, 7);
	assert_string_equal(fake->changed, "web/web1");
}

static void a_backend_is_added_with_the_default_weight(void **state)
{
	struct fake_state *fake = *state;

	json_decref(client_ask(fake, "POST", "/v1/backends",
			       "{\"action\":\"add\",\"service\":\"web\",\"backend\":\"web9\","
			       "\"address\":\"198.51.100.19\"}",
			       200));
	assert_int_equal(fake->change.action, LBD_BACKEND_ADD);
	assert_int_equal(fake->change.weight, 100);
}

static void a_backend_is_added_with_a_port_of_its_own(void **state)
{
	struct fake_state *fake = *state;

	json_decref(client_ask(fake, "POST", "/v1/backends",
			       "{\"action\":\"add\",\"service\":\"web\",\"backend\":\"web9\","
			       "\"address\":\"198.51.100.19\",\"port\":8080}",
			       200));
	assert_int_equal(fake->change.port, 8080);
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
		"{\"action\":\"add\",\"service\":\"web\",\"backend\":\"web1\","
		"\"address\":\"198.51.100.19\",\"port\":65536}",
		"{\"action\":\"add\",\"service\":\"web\",\"backend\":\"web1\","
		"\"address\":\"198.51.100.19\",\"port\":-1}",
		"{\"action\":\"a\",\"action\":\"b\"}",
		"{\"action\":\"drain\",\"service\":\"w\\u0000eb\",\"backend\":\"web1\"}",
	};
	struct fake_state *fake = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		client_refused(fake, "POST", "/v1/backends", bodies[i], 400, "EINVAL");
	assert_string_equal(fake->changed, "");
}

static void an_upgrade_takes_absolute_paths_only(void **state)
{
	struct fake_state *fake = *state;

	json_decref(client_ask(fake, "POST", "/v1/upgrade", NULL, 200));
	assert_string_equal(fake->object, "installed");
	json_decref(client_ask(fake, "POST", "/v1/upgrade", "{\"object\":\"/x/lb.bpf.o\"}", 200));
	assert_string_equal(fake->object, "/x/lb.bpf.o");
	client_refused(fake, "POST", "/v1/upgrade", "{\"object\":\"lb.bpf.o\"}", 400, "EINVAL");
	assert_int_equal(fake->upgrades, 2);
}

static void a_canary_has_a_share_and_perhaps_services(void **state)
{
	static const char *const refused[] = {
		"{\"share\": 0}",
		"{\"share\": 10001}",
		"{\"services\": [\"web\"]}",
		"{\"share\": 500, \"services\": \"web\"}",
		"{\"share\": 500, \"services\": [1]}",
		"{\"action\": \"promote\", \"share\": 500}",
		"{\"action\": \"begin\"}",
	};
	struct fake_state *fake = *state;
	json_t *json = client_ask(fake, "POST", "/v1/upgrade",
				  "{\"share\": 500, \"services\": [\"web\", \"dns6\"]}", 200);

	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "trial"), "services")),
		"web, dns6");
	json_decref(json);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		client_refused(fake, "POST", "/v1/upgrade", refused[i], 400, "EINVAL");
	assert_int_equal(fake->share, 500);
	json_decref(client_ask(fake, "POST", "/v1/upgrade", "{\"action\": \"abort\"}", 200));
	assert_int_equal(fake->share, 0);
}

static void an_upgrade_is_forced_only_if_it_says_so(void **state)
{
	struct fake_state *fake = *state;

	json_decref(client_ask(fake, "POST", "/v1/upgrade", "{\"force\":true}", 200));
	assert_true(fake->forced);
	json_decref(client_ask(fake, "POST", "/v1/upgrade", "{\"force\":false}", 200));
	assert_false(fake->forced);
	client_refused(fake, "POST", "/v1/upgrade", "{\"force\":1}", 400, "EINVAL");
}

static void a_preflight_says_what_an_upgrade_would_and_does_none(void **state)
{
	struct fake_state *fake = *state;
	json_t *json =
		client_ask(fake, "POST", "/v1/preflight", "{\"object\":\"/x/lb.bpf.o\"}", 200);

	assert_true(json_is_false(json_object_get(json, "taken")));
	assert_int_equal(json_array_size(json_object_get(json, "steps")), 5);
	assert_string_equal(fake->object, "/x/lb.bpf.o");
	json_decref(json);
	json = client_ask(fake, "POST", "/v1/preflight", NULL, 200);
	assert_true(json_is_true(json_object_get(json, "taken")));
	json_decref(json);
	client_refused(fake, "POST", "/v1/preflight", "{\"object\":\"lb.bpf.o\"}", 400, "EINVAL");
	assert_int_equal(fake->upgrades, 0);
}

static void packets_are_traced_in_order(void **state)
{
	struct fake_state *fake = *state;
	json_t *json, *results;

	json = client_ask(fake, "POST", "/v1/trace",
			  "{\"packets\":[\"0011223344550011223344550800\","
			  "\"00112233445500112233445508aA\"]}",
			  200);
	results = json_object_get(json, "results");
	assert_int_equal(json_array_size(results), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(results, 1), "out")),
			    "00112233445500112233445508aa");
	json_decref(json);
}

static void faulty_packets_are_refused(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"packets\":[]}",
		"{\"packets\":7}",
		"{\"packets\":[7]}",
		"{\"packets\":[\"\"]}",
		"{\"packets\":[\"00112233445500112233445508\"]}",
		"{\"packets\":[\"001122334455001122334455080\"]}",
		"{\"packets\":[\"0011223344550011223344550x00\"]}",
		"{\"packets\":[\"0011223344550011223344550800\", \"\"]}",
		"{\"packets\":[\"0011223344550011223344550800\"], \"faster\": true}",
	};
	struct fake_state *fake = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		client_refused(fake, "POST", "/v1/trace", bodies[i], 400, "EINVAL");
	client_refused(fake, "POST", "/v1/trace",
		       "{\"packets\":[\"0011223344550011223344550800\"],\"interface\":\"lo\"}", 404,
		       "ENOENT");
}

static void a_resize_must_name_limits_and_numbers(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"limits\":{}}",
		"{\"limits\":7}",
		"{\"limits\":{\"services\":\"many\"}}",
		"{\"limits\":{\"services\":64},\"check\":1}",
		"{\"limits\":{\"services\":64},\"faster\":true}",
	};
	struct fake_state *fake = *state;

	client_refused(fake, "POST", "/v1/resize", NULL, 400, "EINVAL");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		client_refused(fake, "POST", "/v1/resize", bodies[i], 400, "EINVAL");
	json_decref(client_ask(fake, "POST", "/v1/resize",
			       "{\"limits\":{\"sticky\":4096},\"evict\":true}", 200));
	assert_int_equal(fake->resize.limits[0].value, 4096);
	assert_true(fake->resize.evict && !fake->resize.check);
}

/* "{packets: [@count frames of @size bytes]}", freed by the caller. */
static char *trace_body(int count, int size)
{
	char *text = malloc((size_t)count * (2 * (size_t)size + 3) + 32), *at = text;

	at += sprintf(at, "{\"packets\":[");
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s\"%0*d\"", i ? "," : "", 2 * size, 0);
	strcpy(at, "]}");
	return text;
}

static void too_many_and_too_large_packets_are_refused(void **state)
{
	struct fake_state *fake = *state;
	char *most = trace_body(API_TRACE_PACKETS_MAX, 14);
	char *many = trace_body(API_TRACE_PACKETS_MAX + 1, 14);
	char *largest = trace_body(1, DATAPLANE_FRAME_MAX);
	char *large = trace_body(1, DATAPLANE_FRAME_MAX + 1);

	json_decref(client_ask(fake, "POST", "/v1/trace", most, 200));
	json_decref(client_ask(fake, "POST", "/v1/trace", largest, 200));
	client_refused(fake, "POST", "/v1/trace", many, 400, "EINVAL");
	client_refused(fake, "POST", "/v1/trace", large, 400, "EINVAL");
	free(most);
	free(many);
	free(largest);
	free(large);
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
		client_refused(fake, "POST", "/v1/upgrade", NULL, cases[i].status, cases[i].name);
		client_refused(fake, "POST", "/v1/rollback", NULL, cases[i].status, cases[i].name);
		client_refused(fake, "POST", "/v1/reload", NULL, cases[i].status, cases[i].name);
	}
}

static void a_reload_says_that_runtime_changes_are_gone(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake->lbd.runtime_changes = true;
	json = client_ask(fake, "POST", "/v1/reload", NULL, 200);
	assert_true(json_is_true(json_object_get(json, "runtime_changes_dropped")));
	json_decref(json);
}

static void an_order_to_reload_is_checked(void **state)
{
	static const char *const bad[] = { "{\"confirm_ms\":1}",       "{\"confirm_ms\":86400001}",
					   "{\"confirm_ms\":-5}",      "{\"history\":-1}",
					   "{\"history\":4294967296}", "{\"confirm\":1000}" };
	struct fake_state *fake = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		client_refused(fake, "POST", "/v1/reload", bad[i], 400, "EINVAL");
	client_refused(fake, "GET", "/v1/diff?file=lbd.yaml", NULL, 400, "EINVAL");
	client_refused(fake, "GET", "/v1/diff?history=x", NULL, 400, "EINVAL");
	client_refused(fake, "GET", "/v1/diff?file=/nonexistent", NULL, 404, "ENOENT");
	client_refused(fake, "GET", "/v1/history?number=-1", NULL, 400, "EINVAL");
	client_refused(fake, "GET", "/v1/history?number=7", NULL, 404, "ENOENT");
}

static void a_role_is_set_or_refused(void **state)
{
	struct fake_state *fake = *state;

	json_decref(client_ask(fake, "POST", "/v1/role", "{\"role\":\"backup\"}", 200));
	assert_int_equal(fake->ha.role, HA_ROLE_BACKUP);
	client_refused(fake, "POST", "/v1/role", "{\"role\":\"king\"}", 400, "EINVAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(connections_are_filtered_by_everything_at_once),
		CLIENT_TEST(a_limit_bounds_what_is_shown_but_not_the_count),
		CLIENT_TEST(a_connection_of_unknown_ids_is_shown_with_nulls),
		CLIENT_TEST(a_faulty_filter_is_refused),
		CLIENT_TEST(a_backend_change_reaches_the_daemon),
		CLIENT_TEST(a_backend_is_added_with_the_default_weight),
		CLIENT_TEST(a_backend_is_added_with_a_port_of_its_own),
		CLIENT_TEST(a_faulty_change_is_refused),
		CLIENT_TEST(an_upgrade_takes_absolute_paths_only),
		CLIENT_TEST(a_canary_has_a_share_and_perhaps_services),
		CLIENT_TEST(an_upgrade_is_forced_only_if_it_says_so),
		CLIENT_TEST(a_preflight_says_what_an_upgrade_would_and_does_none),
		CLIENT_TEST(packets_are_traced_in_order),
		CLIENT_TEST(faulty_packets_are_refused),
		CLIENT_TEST(too_many_and_too_large_packets_are_refused),
		CLIENT_TEST(a_resize_must_name_limits_and_numbers),
		CLIENT_TEST(what_the_daemon_refuses_comes_back_with_its_hint),
		CLIENT_TEST(a_reload_says_that_runtime_changes_are_gone),
		CLIENT_TEST(an_order_to_reload_is_checked),
		CLIENT_TEST(a_role_is_set_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
