// SPDX-License-Identifier: GPL-2.0-or-later
/* lbctl as its users meet it: command lines in, text, JSON and exit codes out. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/socket.h"
#include "api_client.h"
#include "base/nearest.h"
#include "lbd/api.h"

#define OUTPUT_MAX 65536

struct result {
	int code;
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

/* lbctl of the same build as this test. */
static const char *lbctl_path(void)
{
	static char path[4200];
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		fail();
	snprintf(path, sizeof(path), "%s/../../lbctl", dirname(self));
	return path;
}

static void read_back(FILE *file, char *text)
{
	rewind(file);
	text[fread(text, 1, OUTPUT_MAX - 1, file)] = '\0';
	fclose(file);
}

/* Start "lbctl LINE" (split at blanks). */
static pid_t start(const char *line, FILE *out, FILE *err)
{
	char copy[1024], *argv[32] = { "lbctl" }, *save = NULL;
	int argc = 1;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	pid = fork();
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		execv(lbctl_path(), argv);
		_exit(127);
	}
	return pid;
}

/* Run "lbctl LINE" and keep what came of it. @interrupt_ms: after so long it gets a ^C; 0: never. */
static void run_until(struct result *result, const char *line, useconds_t interrupt_ms)
{
	FILE *out = tmpfile(), *err = tmpfile();
	pid_t pid = start(line, out, err);
	int status;

	if (interrupt_ms) {
		usleep(interrupt_ms * 1000);
		kill(pid, SIGINT);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	result->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	read_back(out, result->out);
	read_back(err, result->err);
}

static void run(struct result *result, const char *line)
{
	run_until(result, line, 0);
}

/* As run, asking the fake daemon. */
static void ask(struct result *result, const struct fake_state *fake, const char *line)
{
	char full[1024];

	snprintf(full, sizeof(full), "--socket %s %s", fake->socket, line);
	run(result, full);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

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
		CLIENT_TEST(a_missing_daemon_is_exit_code_3_and_the_next_command),
		CLIENT_TEST(what_the_daemon_refuses_is_exit_code_1),
		CLIENT_TEST(wrong_usage_is_exit_code_2_and_names_what_was_meant),
		CLIENT_TEST(a_daemon_that_hangs_is_exit_code_3_in_time),
		CLIENT_TEST(an_upgrade_sends_the_absolute_path),
		CLIENT_TEST(a_check_of_an_upgrade_exits_with_1_if_it_would_be_refused),
		CLIENT_TEST(force_is_sent_if_it_is_asked_for),
		CLIENT_TEST(filters_are_sent_as_they_are),
		CLIENT_TEST(check_names_every_fault_and_exits_with_4),
		CLIENT_TEST(help_man_page_and_completion_name_every_command),
		CLIENT_TEST(every_command_has_help_with_the_exit_codes),
		CLIENT_TEST(the_nearest_name_is_within_a_third_of_the_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
