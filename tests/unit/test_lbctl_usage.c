// SPDX-License-Identifier: GPL-2.0-or-later
/* lbctl's exit codes, refusals and help: what doesn't need an answer of the daemon. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "lbctl_fixture.h"

#include "api/socket.h"
#include "base/nearest.h"
#include "lbd/api.h"

/* --- exit codes */

static void a_missing_daemon_is_exit_code_3_and_the_next_command(void **state)
{
	struct result result;
	json_t *json;

	(void)state;
	run(&result, "--socket /tmp/no-lbd-here.sock status");
	assert_int_equal(result.code, LBCTL_UNREACHABLE);
	assert_has(result.err, "lbd isn't running");
	assert_has(result.err, "packets flow on");
	assert_has(result.err, "systemctl status lbd");
	run(&result, "--instance no-such-instance --json status");
	assert_int_equal(result.code, LBCTL_UNREACHABLE);
	json = json_loads(result.out, 0, NULL);
	assert_non_null(json_object_get(json, "error"));
	assert_has(result.out, "/run/lbd/no-such-instance/api.sock");
	json_decref(json);
}

static void what_the_daemon_refuses_is_exit_code_1(void **state)
{
	struct fake_state *fake = *state;
	struct result result;
	json_t *json;

	fake->fail = -EPROTO;
	ask(&result, fake, "upgrade");
	assert_int_equal(result.code, LBCTL_FAILED);
	assert_has(result.err, "told to fail");
	assert_has(result.err, "Next: try again");
	ask(&result, fake, "rollback --json");
	assert_int_equal(result.code, LBCTL_FAILED);
	json = json_loads(result.out, 0, NULL);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "error"), "code")),
		"EPROTO");
	json_decref(json);
	ask(&result, fake, "backends nix");
	assert_int_equal(result.code, LBCTL_FAILED);
	ask(&result, fake, "upgrade /no/such/object");
	assert_int_equal(result.code, LBCTL_FAILED);
}

static void wrong_usage_is_exit_code_2_and_names_what_was_meant(void **state)
{
	static const char *const cases[][2] = {
		{ "", "a command is missing" },
		{ "stauts", "did you mean status?" },
		{ "xyzzy", "unknown command xyzzy" },
		{ "help stauts", "did you mean status?" },
		{ "status --jsno", "did you mean --json?" },
		{ "--jsno status", "did you mean --json?" },
		{ "status --xyzzy", "unknown option --xyzzy" },
		{ "status -q", "unknown option -q" },
		{ "status extra", "unexpected argument extra" },
		{ "connections --limit", "--limit needs a value" },
		{ "connections --servcie web", "did you mean --service?" },
		{ "--timeout 0 status", "--timeout 0" },
		{ "--timeout 1x status", "--timeout 1x" },
		{ "--instance a/b status", "--instance a/b" },
		{ "backend drain web", "argument missing" },
		{ "backend drian web web1", "did you mean drain" },
		{ "backend add web web1", "address missing" },
		{ "backend weight web web1", "weight missing" },
		{ "backend weight web web1 x", "expected 0 to 65535" },
		{ "backend weight web web1 65536", "expected 0 to 65535" },
		{ "backend drain web web1 x", "unexpected argument x" },
		{ "backend drain web web1 --weight 3", "--weight goes with add only" },
		{ "backend drain web web1 --port 3", "--port goes with add only" },
		{ "backend add web web1 192.0.2.1 --port 0", "port 0: expected 1 to 65535" },
		{ "backend add web web1 192.0.2.1 --port 65536", "expected 1 to 65535" },
		{ "upgrade --canary", "needs a value" },
		{ "upgrade --canary x", "expected a share" },
		{ "upgrade --canary 0", "expected a share" },
		{ "upgrade --canary 101%", "expected a share" },
		{ "upgrade --service web", "--service goes with --canary only" },
		{ "upgrade --promote --abort", "--promote goes alone" },
		{ "upgrade --abort Makefile", "--abort goes alone" },
		{ "reload --confirm 25h", "expected a time of 1s to 24h" },
		{ "reload --confirm 5d", "expected a time of 1s to 24h" },
		{ "reload --confirm 0", "expected a time of 1s to 24h" },
		{ "reload --from-history x", "expected a number that lbctl history shows" },
		{ "reload --cancel --confirm 5s", "--cancel goes with no other option" },
		{ "resize connections", "argument missing" },
		{ "resize connections 4M services", "services: its size is missing" },
		{ "resize conections 4M", "did you mean connections" },
		{ "resize connections 4T", "4T: expected a number" },
		{ "resize connections 4MB", "4MB: expected a number" },
		{ "resize connections -4", "unknown option" },
		{ "resize connections 0", "0: expected a number" },
		{ "history shwo 1", "did you mean show?" },
		{ "history show", "number of a config missing" },
		{ "diff conf/lbd.yaml --from-history 3", "not both" },
	};
	struct result result;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask(&result, *state, cases[i][0]);
		assert_int_equal(result.code, LBCTL_USAGE);
		assert_has(result.err, cases[i][1]);
		assert_string_equal(result.out, "");
	}
}

static void a_daemon_that_hangs_is_exit_code_3_in_time(void **state)
{
	struct fake_state *fake = *state;
	char path[200], line[256];
	struct evconnlistener *listener;
	struct event_base *base = event_base_new();
	struct result result;

	/* Accepts (the backlog does), never answers. */
	snprintf(path, sizeof(path), "%s/hang.sock", fake->lbd.run_dir);
	listener = NULL;
	assert_int_equal(socket_listen(base, path, &listener, NULL), 0);
	snprintf(line, sizeof(line), "--socket %s --timeout 1 status", path);
	run(&result, line);
	assert_int_equal(result.code, LBCTL_UNREACHABLE);
	assert_has(result.err, "doesn't answer within 1 s");
	evconnlistener_free(listener);
	event_base_free(base);
	unlink(path);
}

/* --- without a daemon */

static void check_names_every_fault_and_exits_with_4(void **state)
{
	struct result result;
	json_t *json;

	(void)state;
	run(&result, "check /no/such/file");
	assert_int_equal(result.code, LBCTL_CONFIG);
	assert_has(result.err, "/no/such/file");
	run(&result, "check /no/such/file --json");
	assert_int_equal(result.code, LBCTL_CONFIG);
	json = json_loads(result.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "faults")), 1);
	json_decref(json);
	run(&result, "keepalived /no/such/file");
	assert_int_equal(result.code, LBCTL_CONFIG);
}

static void help_man_page_and_completion_name_every_command(void **state)
{
	static const char *const modes[] = { "--help", "help", "--man", "--completion" };
	static const char *const names[] = { "status",	 "services", "backends",   "connections",
					     "counters", "guard",    "drops",	   "peers",
					     "backend",	 "check",    "reload",	   "upgrade",
					     "rollback", "role",     "keepalived", "trace",
					     "tune",	 "version",  "help" };
	struct result result;

	(void)state;
	for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
		run(&result, modes[m]);
		assert_int_equal(result.code, LBCTL_OK);
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			assert_has(result.out, names[i]);
	}
}

static void every_command_has_help_with_the_exit_codes(void **state)
{
	static const char *const lines[] = { "connections --help", "help connections",
					     "--help connections" };
	struct result result;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		run(&result, lines[i]);
		assert_int_equal(result.code, LBCTL_OK);
		assert_has(result.out, "the daemon isn't reachable");
	}
	run(&result, "connections --help");
	assert_has(result.out, "--service NAME");
	assert_has(result.out, "lbctl connections --limit 0");
}

static void the_nearest_name_is_within_a_third_of_the_word(void **state)
{
	static const char *const names[] = { "status", "services", "peers", NULL };

	(void)state;
	assert_string_equal(nearest_find("stauts", names), "status");
	assert_string_equal(nearest_find("service", names), "services");
	assert_null(nearest_find("xyzzy", names));
	assert_null(nearest_find("", names));
	assert_int_equal(nearest_distance("ab", "ba"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("abc", ""), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(a_missing_daemon_is_exit_code_3_and_the_next_command),
		CLIENT_TEST(what_the_daemon_refuses_is_exit_code_1),
		CLIENT_TEST(wrong_usage_is_exit_code_2_and_names_what_was_meant),
		CLIENT_TEST(a_daemon_that_hangs_is_exit_code_3_in_time),
		CLIENT_TEST(check_names_every_fault_and_exits_with_4),
		CLIENT_TEST(help_man_page_and_completion_name_every_command),
		CLIENT_TEST(every_command_has_help_with_the_exit_codes),
		CLIENT_TEST(the_nearest_name_is_within_a_third_of_the_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
