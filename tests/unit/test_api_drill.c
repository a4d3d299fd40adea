// SPDX-License-Identifier: GPL-2.0-or-later
/* A drill: the fake peer's two connections, of which the fake packet path knows backend 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api_client.h"

static void those_that_would_go_elsewhere_are_listed_with_both_backends(void **state)
{
	json_t *json = client_get(*state, "/v1/drill?number=1&from=0");
	const json_t *list = json_object_get(json, "list");

	assert_true(json_is_true(json_object_get(json, "ready")));
	assert_int_equal(client_number(json, "tried", NULL, NULL), 2);
	assert_int_equal(client_number(json, "agree", NULL, NULL), 1);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(client_text(list, 0, "client"), "203.0.113.5:40001");
	assert_string_equal(client_text(list, 0, "backend"), "web2");
	assert_string_equal(client_text(list, 0, "choice"), "web1");
	json_decref(json);
}

static void a_sample_that_has_not_come_is_not_ready(void **state)
{
	json_t *json = client_get(*state, "/v1/drill?number=2");

	assert_true(json_is_false(json_object_get(json, "ready")));
	json_decref(json);
}

static void a_service_can_be_chosen(void **state)
{
	json_t *json = client_get(*state, "/v1/drill?service=dns6");

	assert_int_equal(client_number(json, "tried", NULL, NULL), 0);
	json_decref(json);
	client_refused(*state, "GET", "/v1/drill?service=nonsense", NULL, 404, "ENOENT");
}

static void without_an_active_peer_it_is_refused_and_says_where_to_run_it(void **state)
{
	client_refused(*state, "POST", "/v1/drill", "{\"count\": 404}", 404, "ENOENT");
	client_refused(*state, "POST", "/v1/drill", "{\"count\": 0}", 400, "EINVAL");
	client_refused(*state, "POST", "/v1/drill", "{\"count\": 1025}", 400, "EINVAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(those_that_would_go_elsewhere_are_listed_with_both_backends),
		CLIENT_TEST(a_sample_that_has_not_come_is_not_ready),
		CLIENT_TEST(a_service_can_be_chosen),
		CLIENT_TEST(without_an_active_peer_it_is_refused_and_says_where_to_run_it),
	};

	return cmocka_run_group_tests_name("api drill", tests, NULL, NULL);
}
