// SPDX-License-Identifier: GPL-2.0-or-later
/* What the control API answers, and that it keeps the keys of API.md. */
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
	answer = client_ask(fake, method, path, body, 200);
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

static void status_counts_backends_and_connections(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake_connect(fake, 5, 1, 1, LBD_CONN_CONFIRMED, 0);
	fake_connect(fake, 6, 1, 3, LBD_CONN_CONFIRMED, 0);
	json = client_get(fake, "/v1/status");
	assert_int_equal(client_number(json, "services", NULL, NULL), 2);
	assert_int_equal(client_number(json, "backends", "total", NULL), 4);
	assert_int_equal(client_number(json, "backends", "up", NULL), 2);
	assert_int_equal(client_number(json, "connections", "ipv4", "entries"), 2);
	assert_int_equal(client_number(json, "connections", "ipv4", "slots"), 262144);
	assert_int_equal(client_number(json, "swept_claims", NULL, NULL), 3);
	json_decref(json);
}

static bool has_problem(const struct fake_state *fake, const char *what)
{
	json_t *json = client_get(fake, "/v1/status"), *problem;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(json, "problems"), i, problem)
		found |= !!strstr(json_string_value(json_object_get(problem, "what")), what);
	assert_true(!found || json_is_false(json_object_get(json, "ok")));
	json_decref(json);
	return found;
}

static void what_is_pinned_for_nothing_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	assert_false(has_problem(fake, "not in use"));
	fake->pin = DATAPLANE_PIN_LEFT;
	assert_true(has_problem(fake, "/next/lbd_control: left of"));
	fake->pin = DATAPLANE_PIN_SERVES;
}

static void a_node_without_faults_is_ok(void **state)
{
	struct fake_state *fake = *state;
	json_t *json;

	fake->lbd.model->backends[2].healthy = true;
	json = client_get(fake, "/v1/status");
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
	fake->peer.heard_ms_ago = 40;
	fake->peer.unsynced_ms = 7000;
	assert_true(has_problem(fake, "peer lb2 may lack changes of the last 7 s"));
	fake->peer.unsynced_ms = 0;
}

static void generic_xdp_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	struct dataplane_attachment *at = &fake->lbd.attachments[0];

	at->mode = CONFIG_XDP_GENERIC;
	snprintf(at->reason, sizeof(at->reason), "the driver refused native");
	assert_true(has_problem(fake, "XDP on eth0 is generic: the driver refused native"));
}

static void a_missing_next_hop_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	fake->lbd.model->backends[1].nexthop.resolved = false;
	assert_true(has_problem(fake, "backend web1 of web: no next hop to 198.51.100.11"));
	assert_true(has_problem(fake, "is behind a VLAN device, which native XDP"));
}

static void a_missing_packet_path_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	fake->generations[0].prog_id = 0;
	assert_true(has_problem(fake, "no packet path is loaded"));
}

static void a_config_that_is_not_the_files_is_a_problem(void **state)
{
	struct fake_state *fake = *state;

	assert_false(has_problem(fake, "lbd.yaml"));
	fake->lbd.origin = HISTORY_FROM_LAST_GOOD;
	strcpy(fake->lbd.file_fault, "line 7 is nonsense");
	assert_true(has_problem(fake,
				"/etc/lbd/lbd.yaml was broken when lbd started, the last good "
				"config runs: line 7 is nonsense"));
	fake->lbd.origin = HISTORY_FROM_REVERTED;
	assert_true(has_problem(fake, "/etc/lbd/lbd.yaml was on trial and not confirmed"));
	fake->lbd.origin = HISTORY_FROM_FILE;
	strcpy(fake->lbd.trial.fault, "no interface eth7");
	assert_true(has_problem(fake, "the one before is refused: no interface eth7"));
	fake->lbd.history_fault = true;
	assert_true(has_problem(fake, "configs can't be kept"));
}

static void services_say_which_of_them_are_gone(void **state)
{
	json_t *json = client_get(*state, "/v1/services"),
	       *list = json_object_get(json, "services");

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(client_text(list, 0, "state"), "up");
	assert_string_equal(client_text(list, 1, "protocol"), "udp");
	assert_string_equal(client_text(list, 2, "state"), "gone");
	json_decref(json);
}

static void backends_can_be_asked_for_by_service(void **state)
{
	json_t *json = client_get(*state, "/v1/backends?service=web");
	json_t *list = json_object_get(json, "backends");

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(client_text(list, 0, "state"), "up");
	assert_string_equal(client_text(list, 1, "state"), "down");
	assert_string_equal(client_text(list, 2, "state"), "draining");
	json_decref(json);
	client_refused(*state, "GET", "/v1/backends?service=wbe", NULL, 404, "ENOENT");
	client_refused(*state, "GET", "/v1/backends?srevice=web", NULL, 400, "EINVAL");
}

static void a_backend_that_is_not_checked_has_no_health(void **state)
{
	json_t *json = client_get(*state, "/v1/backends?service=dns6");
	json_t *first = json_array_get(json_object_get(json, "backends"), 0);

	assert_true(json_is_null(json_object_get(first, "health")));
	json_decref(json);
}

static void counters_are_shares_of_all_packets(void **state)
{
	json_t *json = client_get(*state, "/v1/counters"),
	       *list = json_object_get(json, "outcomes");
	double share;

	assert_int_equal(client_number(json, "packets", NULL, NULL), 100);
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
	json = client_get(fake, "/v1/peers");
	assert_int_equal(json_array_size(json_object_get(json, "peers")), 0);
	assert_true(json_is_null(json_object_get(json, "fault")));
	json_decref(json);
	assert_false(has_problem(fake, "sync isn't running"));
}

static void peers_without_sync_are_a_problem(void **state)
{
	struct fake_state *fake = *state;

	fake->lbd.sync = NULL;
	fake->lbd.config->cluster.peers_count = 1;
	assert_true(has_problem(fake, "sync isn't running: no peer is told of connections"));
	fake->lbd.config->cluster.peers_count = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(every_answer_has_the_keys_that_its_example_shows),
		CLIENT_TEST(status_counts_backends_and_connections),
		CLIENT_TEST(what_is_pinned_for_nothing_is_a_problem),
		CLIENT_TEST(a_node_without_faults_is_ok),
		CLIENT_TEST(a_service_without_backends_is_a_problem),
		CLIENT_TEST(a_closed_gate_is_a_problem_with_its_reason),
		CLIENT_TEST(a_silent_peer_is_a_problem),
		CLIENT_TEST(generic_xdp_is_a_problem),
		CLIENT_TEST(a_missing_next_hop_is_a_problem),
		CLIENT_TEST(a_missing_packet_path_is_a_problem),
		CLIENT_TEST(a_config_that_is_not_the_files_is_a_problem),
		CLIENT_TEST(services_say_which_of_them_are_gone),
		CLIENT_TEST(backends_can_be_asked_for_by_service),
		CLIENT_TEST(a_backend_that_is_not_checked_has_no_health),
		CLIENT_TEST(counters_are_shares_of_all_packets),
		CLIENT_TEST(a_node_alone_has_no_peers),
		CLIENT_TEST(peers_without_sync_are_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
