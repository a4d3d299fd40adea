// SPDX-License-Identifier: GPL-2.0-or-later
/* What GET /v1/risk counts and names: a fake peer that holds some, a fake Maglev that says 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_client.h"
#include "risk/risk.h"

#define CONFIRMED LBD_CONN_CONFIRMED

/* All in one answer: a walk that the machine interrupted for longer than it may take is in two. */
static json_t *ask(struct fake_state *fake)
{
	fake->picked = 2;
	for (int tries = 0; tries < 100; tries++) {
		json_t *json = client_get(fake, "/v1/risk?list=100");

		if (json_is_null(json_object_get(json, "next")))
			return json;
		json_decref(json);
	}
	fail_msg("a walk through the tables is never over in time");
	return NULL;
}

static void expect(const json_t *json, json_int_t connections, json_int_t unsynced,
		   json_int_t breaking)
{
	assert_int_equal(client_number(json, "connections", NULL, NULL), connections);
	assert_int_equal(client_number(json, "unsynced", NULL, NULL), unsynced);
	assert_int_equal(client_number(json, "breaking", NULL, NULL), breaking);
	assert_int_equal(json_array_size(json_object_get(json, "list")), breaking);
}

static void what_the_peer_holds_does_not_break(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake_connect(fake, 1, 1, 1, CONFIRMED, 0);
	fake_hold(fake, 1);
	json = ask(fake);
	expect(json, 1, 0, 0);
	json_decref(json);
}

static void what_it_lacks_breaks_if_it_would_choose_another_backend(void **state)
{
	struct fake_state *fake = *state;
	const json_t *list;
	json_t *json;

	fake_connect(fake, 1, 1, 1, CONFIRMED, 0);
	fake_connect(fake, 2, 1, 2, CONFIRMED, 0);
	json = ask(fake);
	expect(json, 2, 2, 1);
	list = json_object_get(json, "list");
	assert_string_equal(client_text(list, 0, "client"), "203.0.113.1:40000");
	assert_string_equal(client_text(list, 0, "backend"), "web1");
	assert_string_equal(client_text(list, 0, "choice"), "web2");
	json_decref(json);
}

static void what_it_refused_breaks_whatever_it_acknowledged(void **state)
{
	struct fake_state *fake = *state;
	const json_t *list;
	json_t *json;

	fake_connect(fake, 1, 1, 1, CONFIRMED, 0);
	fake_connect(fake, 2, 1, 1, CONFIRMED | LBD_CONN_REMOTE, 0);
	fake_connect(fake, 3, 1, 1, CONFIRMED | LBD_CONN_REMOTE, 0);
	fake_hold(fake, 1);
	fake_hold_all(fake);
	json = ask(fake);
	expect(json, 3, 0, 0);
	json_decref(json);
	fake_refuse(fake, 1);
	fake_refuse(fake, 2);
	json = ask(fake);
	expect(json, 3, 2, 2);
	list = json_object_get(json, "list");
	for (uint32_t i = 0; i < 2; i++)
		assert_string_not_equal(client_text(list, i, "client"), "203.0.113.3:40000");
	json_decref(json);
}

static void a_connection_that_moved_is_not_held_where_it_is(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake_connect(fake, 1, 1, 2, CONFIRMED, 5000);
	fake_hold(fake, 1);
	fake_connect(fake, 1, 1, 1, CONFIRMED, 0);
	json = ask(fake);
	expect(json, 1, 1, 1);
	json_decref(json);
}

static void unconfirmed_closing_and_expired_ones_do_not_count(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake_connect(fake, 1, 1, 1, 0, 0);
	fake_connect(fake, 2, 1, 1, CONFIRMED | LBD_CONN_CLOSING, 0);
	fake_connect(fake, 3, 1, 1, CONFIRMED, 2000000);
	json = ask(fake);
	expect(json, 0, 0, 0);
	json_decref(json);
}

static void a_nat_port_found_at_a_later_attempt_is_not_found_again(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake_connect(fake, 1, 1, 2, lbd_value_with_nat(CONFIRMED, 1), 0);
	fake_connect(fake, 2, 1, 2, lbd_value_with_nat(CONFIRMED, 2), 0);
	json = ask(fake);
	expect(json, 2, 2, 1);
	json_decref(json);
}

static void parts_add_up_to_the_whole(void **state)
{
	enum { MANY = 200 };
	struct fake_state *fake = *state;
	struct risk_counts all = { 0 };
	struct risk_counts services[64] = { 0 };
	uint32_t from = 0, parts = 0;

	fake->picked = 2;
	for (uint32_t n = 0; n < MANY; n++)
		fake_connect(fake, n, 1, 1 + n % 2, CONFIRMED, 0);
	while (from != RISK_END) {
		struct risk risk = { .tables = dataplane_tables(fake->lbd.dataplane),
				     .dataplane = fake->lbd.dataplane,
				     .model = fake->lbd.model,
				     .services = services };

		from = risk_walk(&risk, from, 0);
		all.connections += risk.all.connections;
		all.breaking += risk.all.breaking;
		parts++;
	}
	assert_true(parts > 10);
	assert_int_equal(all.connections, MANY);
	assert_int_equal(all.breaking, MANY / 2);
	assert_int_equal(services[1].connections, MANY);
}

static void nonsense_is_refused(void **state)
{
	struct fake_state *fake = *state;

	client_refused(fake, "GET", "/v1/risk?list=10001", NULL, 400, "EINVAL");
	client_refused(fake, "GET", "/v1/risk?from=-1", NULL, 400, "EINVAL");
	client_refused(fake, "GET", "/v1/risk?from=99999999", NULL, 400, "EINVAL");
	client_refused(fake, "GET", "/v1/risk?what=1", NULL, 400, "EINVAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(what_the_peer_holds_does_not_break),
		CLIENT_TEST(what_it_lacks_breaks_if_it_would_choose_another_backend),
		CLIENT_TEST(what_it_refused_breaks_whatever_it_acknowledged),
		CLIENT_TEST(a_connection_that_moved_is_not_held_where_it_is),
		CLIENT_TEST(unconfirmed_closing_and_expired_ones_do_not_count),
		CLIENT_TEST(a_nat_port_found_at_a_later_attempt_is_not_found_again),
		CLIENT_TEST(parts_add_up_to_the_whole),
		CLIENT_TEST(nonsense_is_refused),
	};

	return cmocka_run_group_tests_name("api risk", tests, NULL, NULL);
}
