// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

#define STATUS_WIDTH 72 /* of what stands behind the labels */

static long long status_number(const json_t *status, const char *path)
{
	return (long long)json_integer_value(table_value(status, path));
}

static const char *status_text(const json_t *status, const char *path)
{
	return table_text(table_value(status, path), NULL);
}

/* The first line: OK, or the worst of what is wrong, each with the next command. */
static void status_verdict(const json_t *status)
{
	const json_t *problems = json_object_get(status, "problems"), *problem;
	size_t i;

	if (!json_array_size(problems))
		printf("OK: %s forwards to %lld of %lld backends, role %s\n",
		       status_text(status, "node"), status_number(status, "backends.up"),
		       status_number(status, "backends.total"), status_text(status, "role"));
	json_array_foreach(problems, i, problem)
		printf("%-9s%s  (%s)\n", i ? "" : "PROBLEM:", status_text(problem, "what"),
		       status_text(problem, "hint"));
}

static void status_node(const json_t *status)
{
	char uptime[TABLE_TEXT_MAX];

	printf("node         %s, instance %s, lbd %s, up %s, %s\n", status_text(status, "node"),
	       status_text(status, "instance"), status_text(status, "version"),
	       table_ms(json_object_get(status, "uptime_ms"), uptime),
	       status_text(status, "config"));
}

/* What the config stems from, and how long a trial lasts. */
static const char *status_origin(const json_t *status)
{
	static const struct {
		const char *name, *text;
	} origins[] = {
		{ "history", ", asked for in place of the file, until that is edited or reloaded" },
		{ "reverted", ", in place of the file, which was not confirmed" },
		{ "last_good", ", the last good one: the file was broken at start" },
	};

	for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++)
		if (!strcmp(origins[i].name, status_text(status, "config_origin")))
			return origins[i].text;
	return "";
}

static void status_config(const json_t *status)
{
	if (!json_is_object(json_object_get(status, "trial"))) {
		printf("config       %lld%s\n", status_number(status, "config_number"),
		       status_origin(status));
		return;
	}
	printf("config       %lld on trial: %lld runs again in %lld s, unless lbctl confirm\n",
	       status_number(status, "trial.number"), status_number(status, "trial.back_to"),
	       (status_number(status, "trial.left_ms") + 999) / 1000);
}

static void status_role(const json_t *status)
{
	printf("role         ");
	show_role(NULL, status);
}

/* Versions may differ for as long as wanted: they are shown, and nothing is said against it. */
static void status_peers(const json_t *status)
{
	const json_t *list = json_object_get(status, "peers"), *peer;
	const char *own = status_text(status, "version");
	size_t i;

	json_array_foreach(list, i, peer) {
		const char *lbd = status_text(peer, "lbd");

		printf("%-13s%s %s, %s, runs %s%s%s\n", i ? "" : "peers", status_text(peer, "name"),
		       status_text(peer, "role"), status_text(peer, "state"),
		       strcmp(lbd, "-") ? "lbd " : "a version of lbd that doesn't say which",
		       strcmp(lbd, "-") ? lbd : "",
		       strcmp(lbd, own) ? " (mixed versions: lbctl cluster upgrade)" : "");
	}
}

/* "lbd_root alone", or all of libxdp's chain in the order they run. */
static void status_programs(const json_t *at)
{
	const json_t *programs = json_object_get(at, "programs"), *program;
	size_t i;

	if (!json_is_true(json_object_get(at, "dispatcher"))) {
		printf(", alone");
		return;
	}
	printf(", in libxdp's chain");
	json_array_foreach(programs, i, program)
		printf("%s%s", i ? " > " : ": ", table_text(program, NULL));
}

static void status_interface(const json_t *at)
{
	printf("%s %s", status_text(at, "interface"), status_text(at, "mode"));
	status_programs(at);
	if (json_is_object(json_object_get(at, "queues")))
		printf(", %lld rx and %lld tx queues", status_number(at, "queues.rx"),
		       status_number(at, "queues.tx"));
	printf(": %s\n", status_text(at, "reason"));
}

static void status_xdp(const json_t *status)
{
	const json_t *list = json_object_get(status, "xdp"), *at;
	size_t i;

	json_array_foreach(list, i, at) {
		printf("%-13s", i ? "" : "xdp");
		status_interface(at);
	}
}

static void status_generations(const json_t *status)
{
	printf("packet path  ");
	show_generation_line(table_value(status, "generation.running"));
	printf("previous     ");
	show_generation_line(table_value(status, "generation.previous"));
	show_trial(table_value(status, "generation.trial"));
}

static void status_connections(const json_t *status)
{
	char cells[4][TABLE_TEXT_MAX];

	printf("connections  IPv4 %s of %s slots, IPv6 %s of %s slots\n",
	       table_count(table_value(status, "connections.ipv4.entries"), cells[0]),
	       table_count(table_value(status, "connections.ipv4.slots"), cells[1]),
	       table_count(table_value(status, "connections.ipv6.entries"), cells[2]),
	       table_count(table_value(status, "connections.ipv6.slots"), cells[3]));
}

static void status_changes(const json_t *changes)
{
	char from[TABLE_TEXT_MAX], to[TABLE_TEXT_MAX];
	const json_t *change;
	size_t i;

	json_array_foreach(changes, i, change)
		printf("%s%s %s -> %s", i ? ", " : "",
		       table_text(table_value(change, "limit"), NULL),
		       table_count(table_value(change, "from"), from),
		       table_count(table_value(change, "to"), to));
}

/* Only where there is or was one. */
static void status_migration(const json_t *status)
{
	const json_t *now = table_value(status, "migration.under_way");
	const json_t *last = table_value(status, "migration.last");

	if (json_is_object(now)) {
		printf("moving       ");
		status_changes(json_object_get(now, "changes"));
		printf(": %s, %lld %% of a pass\n", table_text(table_value(now, "phase"), NULL),
		       status_number(now, "percent"));
	}
	if (!json_is_object(last))
		return;
	printf("moved        ");
	status_changes(json_object_get(last, "changes"));
	printf(": %lld connections, %lld of them left out, %lld ms of copying, "
	       "%.1f ms without sync\n",
	       status_number(last, "connections"),
	       status_number(last, "left_out.live") + status_number(last, "left_out.idle"),
	       status_number(last, "copy_ms"), (double)status_number(last, "pause_us") / 1000);
}

static void status_fragments(const json_t *status)
{
	if (!json_is_true(table_value(status, "fragments.listening"))) {
		puts("fragments    none is held: those before their first are dropped");
		return;
	}
	printf("fragments    %lld came before their first: %lld sent on, %lld timed out, "
	       "%lld refused for want of memory\n",
	       status_number(status, "fragments.held"), status_number(status, "fragments.sent"),
	       status_number(status, "fragments.timed_out"),
	       status_number(status, "fragments.refused"));
}

static void status_services(const json_t *status)
{
	printf("services     %lld, backends %lld up of %lld%s\n", status_number(status, "services"),
	       status_number(status, "backends.up"), status_number(status, "backends.total"),
	       json_is_true(json_object_get(status, "runtime_changes"))
		       ? "; changed by lbctl backend or resize, until the next reload"
		       : "");
}

/* Names in lines of a screen's width; what isn't in use on a line of its own. */
static void status_pins(const json_t *status)
{
	const json_t *files = table_value(status, "pins.files"), *file;
	int column = 0;
	size_t i;

	printf("pins         %lld in use, %lld not, below %s", status_number(status, "pins.in_use"),
	       status_number(status, "pins.not_in_use"), status_text(status, "pins.directory"));
	json_array_foreach(files, i, file) {
		if (!json_is_true(json_object_get(file, "in_use")))
			continue;
		column -= (int)strlen(status_text(file, "path")) + 1;
		if (column < 0) {
			column = STATUS_WIDTH - (int)strlen(status_text(file, "path"));
			printf("\n            ");
		}
		printf(" %s", status_text(file, "path"));
	}
	puts("");
	json_array_foreach(files, i, file)
		if (!json_is_true(json_object_get(file, "in_use")))
			printf("             not in use: %s (%s): %s\n", status_text(file, "path"),
			       status_text(file, "what"), status_text(file, "why"));
}

static void status_start(const json_t *status)
{
	if (json_is_true(json_object_get(status, "adopted")))
		printf("start        took over the pinned tables, %lld half-made claims swept\n",
		       status_number(status, "swept_claims"));
	else
		puts("start        with new, empty tables");
}

static void status_print(const struct invocation *invocation, const json_t *status)
{
	static void (*const lines[])(const json_t *) = {
		status_verdict,	  status_node,	    status_config,	status_role,
		status_peers,	  status_xdp,	    status_generations, status_connections,
		status_migration, status_fragments, status_services,	status_start,
		status_pins,
	};

	(void)invocation;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		lines[i](status);
}

static int status_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_get_status, status_print);
}

static const struct command_example status_examples[] = {
	{ "status", "is all well, and if not, what to look at next" },
	{ "status --json | jq -e .ok", "the same for a script" },
	{ "status --json | jq .pins.files", "what is pinned, and what for" },
	{ 0 },
};

const struct command cmd_status = {
	.name = "status",
	.arguments = "",
	.summary = "is all well: role, sync, attachment, packet path, totals, pins",
	.details =
		"The first line is the verdict: OK, or what is wrong, worst first, each with the "
		"next command to try.",
	.examples = status_examples,
	.run = status_run,
};
