// SPDX-License-Identifier: GPL-2.0-or-later
/* What lbctl prints of the daemon's answers, as JSON and as text, and what it sends. */
#include <jansson.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lbctl_fixture.h"

#include "lbd/api.h"

/* --- JSON */

static const struct {
	const char *line, *keys[4]; /* paths that the answer must have */
} json_cases[] = {
	{ "status --json", { "ok", "gate", "generation", "swept_claims" } },
	{ "services --json", { "services" } },
	{ "backends --json", { "backends" } },
	{ "backends web --json", { "backends" } },
	{ "connections --json", { "count", "shown", "connections" } },
	{ "connections --json --service web --state established --limit 0", { "count" } },
	{ "counters --json", { "outcomes", "packets" } },
	{ "guard --json", { "lists", "tree", "sources", "drops" } },
	{ "drops --json", { "kept", "drops" } },
	{ "peers --json", { "peers", "refusals" } },
	{ "metrics --json", { "metrics" } },
	{ "backend drain web web1 --json", { "backends" } },
	{ "backend add web web9 198.51.100.19 --weight 5 --port 8080 --json", { "backends" } },
	{ "reload --json", { "services", "runtime_changes_dropped", "trial" } },
	{ "confirm --json", { "number" } },
	{ "reload --cancel --json", { "number" } },
	{ "history --json", { "directory", "configs" } },
	{ "upgrade --json", { "running", "previous" } },
	{ "upgrade --check --json", { "taken", "steps", "maps", "replay" } },
	{ "rollback --json", { "running", "previous" } },
	{ "role --json", { "role", "role_ms_ago", "gate" } },
	{ "role backup --json", { "role" } },
	{ "version --json", { "lbctl", "daemon" } },
};

static void every_command_prints_json_with_its_keys(void **state)
{
	struct result result;

	for (size_t i = 0; i < sizeof(json_cases) / sizeof(*json_cases); i++) {
		json_t *json;

		ask(&result, *state, json_cases[i].line);
		assert_int_equal(result.code, LBCTL_OK);
		assert_string_equal(result.err, "");
		json = json_loads(result.out, 0, NULL);
		assert_non_null(json);
		for (size_t k = 0; k < 4 && json_cases[i].keys[k]; k++)
			if (!json_object_get(json, json_cases[i].keys[k]))
				fail_msg("%s: no %s", json_cases[i].line, json_cases[i].keys[k]);
		json_decref(json);
	}
}

static void every_command_prints_text(void **state)
{
	static const char *const cases[][2] = {
		{ "services", "2001:db8::10" },
		{ "backends", "connection refused" },
		{ "connections", "203.0.113.5:40000" },
		{ "counters", "forwarded, connection in the table" },
		{ "guard", "1,000 of 4,000 places" },
		{ "drops", "198.51.100.66:40000  192.0.2.1:80" },
		{ "peers", "192.0.2.2:7400" },
		{ "peers", "800 ms ago" },
		{ "peers", "differs in 3 regions" },
		{ "peers", "(lbctl resize): 12\n" },
		{ "peers", "lb2: times that it was taken for dead, as nothing was heard: 1\n" },
		{ "backend weight web web1 7", "web1" },
		{ "reload", "Reloaded: 2 services, 4 backends, 2 of them up" },
		{ "resize connections 4M", "connections-ipv4  1,024 slots -> 4,194,304" },
		{ "resize connections-ipv4 64K --check", "1,024 slots -> 65,536" },
		{ "resize nat-ipv4 4096 --evict", "until the next reload" },
		{ "history", "no config is kept" },
		{ "status", "config       0\n" },
		{ "status", "pins         1 in use, 0 not, below " },
		{ "status", "             next/lbd_control\n" },
		{ "reload --confirm 2m", "config 11 runs again in 120 s, unless: lbctl confirm" },
		{ "status", "config       12 on trial: 11 runs again in 120 s" },
		{ "reload --confirm 60 --from-history 3", "config 3 runs again in 60 s" },
		{ "confirm", "config 12 stays" },
		{ "reload --cancel", "runs again, as config 13" },
		{ "upgrade", "tag a04f5eef06a7f555" },
		{ "upgrade", "on trial  watch, 100 % of all packets, 29 s left" },
		{ "upgrade --canary 5% --service web --service dns6",
		  "on trial  canary, 5 % of web, dns6, 29 s left" },
		{ "upgrade --promote", "previous  none" },
		{ "rollback", "previous  none" },
		{ "role", "master for 60.0 s, term 3; gate open: in sync with lb2" },
		{ "version", "node lb1" },
		{ "metrics", "# TYPE lbd_peer_lag_seconds gauge\n" },
		{ "risk --list 5", "1 of 1 connections would break" },
		{ "failover", "at most 64 ms without a master" },
	};
	struct result result;

	fake_connect(*state, 5, 1, 1, LBD_CONN_CONFIRMED, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask(&result, *state, cases[i][0]);
		assert_int_equal(result.code, LBCTL_OK);
		assert_has(result.out, cases[i][1]);
		/* No colour codes, no trailing blanks: output is for grep and awk, too. */
		assert_null(strchr(result.out, '\033'));
		assert_null(strstr(result.out, " \n"));
	}
}

/* Each line is a comment, or a name, labels in quotes and one number. */
static void metrics_are_in_the_text_format(void **state)
{
	static const char line_form[] =
		"^(# (HELP|TYPE) lbd_[a-z0-9_]+ .+|"
		"lbd_[a-z0-9_]+(\\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\\})? [0-9.e+-]+)$";
	struct result result;
	char *save = NULL;
	regex_t form;

	assert_int_equal(regcomp(&form, line_form, REG_EXTENDED | REG_NOSUB), 0);
	ask(&result, *state, "metrics");
	assert_has(result.out, "lbd_service_backends_up{service=\"web\"} ");
	for (char *line = strtok_r(result.out, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (regexec(&form, line, 0, NULL, 0))
			fail_msg("not a line of metrics: %s", line);
	regfree(&form);
}

/* The fake daemon keeps another drop each time that it is asked. */
static void drops_are_followed_until_interrupted(void **state)
{
	const struct fake_state *fake = *state;
	struct result result;
	char line[1024];
	json_t *json;

	snprintf(line, sizeof(line), "--socket %s drops --follow", fake->socket);
	run_until(&result, line, 1800);
	assert_int_equal(result.code, 128 + SIGINT);
	assert_has(result.out, "WHAT HAPPENED\n");
	assert_has(result.out, "198.51.100.66:40000");
	assert_string_equal(result.err, "");
	snprintf(line, sizeof(line), "--socket %s drops --follow --json", fake->socket);
	run_until(&result, line, 1800);
	*strchrnul(result.out, '\n') = '\0';
	json = json_loads(result.out, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "outcome")), "drop_denied");
	json_decref(json);
}

static void drops_are_not_followed_without_a_daemon(void **state)
{
	struct result result;

	(void)state;
	run(&result, "--socket /nonexistent drops --follow --json");
	assert_int_equal(result.code, LBCTL_UNREACHABLE);
	assert_has(result.out, "ENOENT");
}

static void status_begins_with_a_verdict(void **state)
{
	struct fake_state *fake = *state;
	struct result result;

	ask(&result, fake, "status");
	assert_int_equal(strncmp(result.out, "PROBLEM: service web: 1 of 3 backends down", 42), 0);
	fake->lbd.model->backends[2].healthy = true;
	ask(&result, fake, "status");
	assert_int_equal(strncmp(result.out, "OK: lb1 forwards to 3 of 4 backends", 35), 0);
}

/* Exit code and text of a comparison; the fake daemon runs no service and says no to "other". */
static void a_diff_names_what_comes_and_what_goes(void **state)
{
	FILE *file = fopen("/tmp/lbctl-diff.yaml", "w");
	struct result result;

	assert_non_null(file);
	fputs("instance: other\nxdp: {interfaces: [eth0, eth1]}\nservices:\n- {name: web, vip: "
	      "192.0.2.1, port: 80, backends: [{address: 198.51.100.1}]}\n",
	      file);
	fclose(file);
	ask(&result, *state, "diff /tmp/lbctl-diff.yaml");
	assert_int_equal(result.code, LBCTL_DIFFERS);
	assert_has(result.out, "~ instance: lbd -> other   (refused)\n");
	assert_has(result.out, "+ xdp.interfaces: eth1\n");
	assert_has(result.out, "+ services[web]: vip: 192.0.2.1, port: 80");
	assert_has(result.out, "is loaded and swapped in: +nat\n");
	assert_has(result.out, "would be refused: instance: told to refuse\n");
	ask(&result, *state, "diff /tmp/lbctl-diff.yaml --json");
	assert_int_equal(result.code, LBCTL_DIFFERS);
	assert_has(result.out, "\"effect\": \"refused\"");
	unlink("/tmp/lbctl-diff.yaml");
	ask(&result, *state, "diff /tmp/lbctl-diff.yaml");
	assert_int_equal(result.code, LBCTL_FAILED);
	assert_has(result.err, "No such file");
}

static void the_history_is_a_table_and_each_config_a_file(void **state)
{
	struct fake_state *fake = *state;
	struct history_entry entry = { .at = 1700000000, .changes = 2, .summary = "two things" };
	struct config *config = NULL;
	struct result result;
	char command[256];

	snprintf(fake->lbd.history_dir, sizeof(fake->lbd.history_dir), "%.100s.history",
		 fake->socket);
	assert_int_equal(config_load("conf/lbd.yaml", &config, NULL), 0);
	assert_int_equal(history_open(fake->lbd.history_dir, NULL), 0);
	assert_int_equal(history_add(fake->lbd.history_dir, &entry, config, 5, NULL), 0);
	fake->lbd.recorded = entry;
	ask(&result, fake, "history");
	assert_has(result.out, "start  applied        2  two things\n");
	assert_has(result.out, "\n*       1  20");
	ask(&result, fake, "history show 1");
	assert_has(result.out, "# summary: two things\n");
	assert_has(result.out, "interfaces:\n");
	ask(&result, fake, "history show 2");
	assert_int_equal(result.code, LBCTL_FAILED);
	assert_has(result.err, "the history has no config 2");
	snprintf(command, sizeof(command), "rm -r %.200s", fake->lbd.history_dir);
	assert_int_equal(system(command), 0);
	config_free(config);
}

static void counters_hide_zeros_unless_told_otherwise(void **state)
{
	struct result result;

	ask(&result, *state, "counters");
	assert_null(strstr(result.out, "forward_new"));
	ask(&result, *state, "counters --all");
	assert_has(result.out, "forward_new");
}

static void large_numbers_are_grouped(void **state)
{
	struct fake_state *fake = *state;
	struct result result;

	fake->outcomes[LBD_OUTCOME_FORWARD_KNOWN] = 1234567;
	ask(&result, fake, "counters");
	assert_has(result.out, "1,234,567");
}

/* --- what reaches the daemon */

static void an_upgrade_sends_the_absolute_path(void **state)
{
	struct fake_state *fake = *state;
	char expected[4096];
	struct result result;

	ask(&result, fake, "upgrade Makefile");
	assert_int_equal(result.code, LBCTL_OK);
	assert_non_null(realpath("Makefile", expected));
	assert_string_equal(fake->object, expected);
}

static void a_check_of_an_upgrade_exits_with_1_if_it_would_be_refused(void **state)
{
	struct result result;

	ask(&result, *state, "upgrade --check Makefile");
	assert_int_equal(result.code, LBCTL_FAILED);
	assert_string_equal(result.err, "");
	assert_has(result.out, "a connection of web1");
	assert_has(result.out, "An upgrade would refuse it");
	assert_has(result.out, "values of 8 bytes, expected 4");
	ask(&result, *state, "upgrade --check");
	assert_int_equal(result.code, LBCTL_OK);
	assert_has(result.out, "An upgrade would take it");
	assert_int_equal(((struct fake_state *)*state)->upgrades, 0);
}

static void force_is_sent_if_it_is_asked_for(void **state)
{
	struct result result;

	ask(&result, *state, "upgrade --force");
	assert_true(((struct fake_state *)*state)->forced);
	ask(&result, *state, "upgrade");
	assert_false(((struct fake_state *)*state)->forced);
}

static void filters_are_sent_as_they_are(void **state)
{
	struct fake_state *fake = *state;
	struct result result;

	fake_connect(fake, 5, 1, 1, LBD_CONN_CONFIRMED, 0);
	ask(&result, fake, "connections --client 203.0.113.0/24 --limit=0");
	assert_string_equal(result.out, "1 connection, 0 shown\n");
	ask(&result, fake, "connections --client a&b=c%00");
	assert_int_equal(result.code, LBCTL_FAILED);
	assert_has(result.err, "client: a&b=c%00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(every_command_prints_json_with_its_keys),
		CLIENT_TEST(every_command_prints_text),
		CLIENT_TEST(metrics_are_in_the_text_format),
		CLIENT_TEST(drops_are_followed_until_interrupted),
		cmocka_unit_test(drops_are_not_followed_without_a_daemon),
		CLIENT_TEST(status_begins_with_a_verdict),
		CLIENT_TEST(a_diff_names_what_comes_and_what_goes),
		CLIENT_TEST(the_history_is_a_table_and_each_config_a_file),
		CLIENT_TEST(counters_hide_zeros_unless_told_otherwise),
		CLIENT_TEST(large_numbers_are_grouped),
		CLIENT_TEST(an_upgrade_sends_the_absolute_path),
		CLIENT_TEST(a_check_of_an_upgrade_exits_with_1_if_it_would_be_refused),
		CLIENT_TEST(force_is_sent_if_it_is_asked_for),
		CLIENT_TEST(filters_are_sent_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
