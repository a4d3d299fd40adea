// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>

#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static const char *guard_time(const json_t *value, char *buffer)
{
	time_t at = (time_t)json_integer_value(value);
	struct tm local;

	if (!at || !localtime_r(&at, &local) ||
	    !strftime(buffer, TABLE_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &local))
		return "-";
	return buffer;
}

static void guard_print_room(const json_t *answer)
{
	char text[4][TABLE_TEXT_MAX];

	printf("\nread %s in %lld ms; %s of %s places of the search tree\n",
	       guard_time(table_value(answer, "loaded_at"), text[0]),
	       (long long)json_integer_value(table_value(answer, "load_ms")),
	       table_count(table_value(answer, "tree.places"), text[1]),
	       table_count(table_value(answer, "tree.room"), text[2]));
	printf("%s sources with a limit in use, %s known, room for %s\n\n",
	       table_count(table_value(answer, "sources.busy"), text[0]),
	       table_count(table_value(answer, "sources.known"), text[1]),
	       table_count(table_value(answer, "sources.room"), text[2]));
}

static void guard_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column lists[] = {
		{ "LIST", "name", table_text, false },
		{ "IPV4", "ipv4", table_count, true },
		{ "IPV6", "ipv6", table_count, true },
		{ "FILE CHANGED", "changed_at", guard_time, false },
		{ "FILE", "file", table_text, false },
		{ 0 },
	};
	static const struct table_column drops[] = {
		{ "PACKETS", "packets", table_count, true },
		{ "SHARE", "share", table_share, true },
		{ "WHY", "sentence", table_text, false },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, lists, json_object_get(answer, "lists"), "no lists");
	guard_print_room(answer);
	table_print(stdout, drops, json_object_get(answer, "drops"), "nothing dropped");
}

static int guard_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_get_guard, guard_print);
}

static const struct command_example guard_examples[] = {
	{ "guard", "are the lists as new as they should be, and do they drop anything" },
	{ 0 },
};

const struct command cmd_guard = {
	.name = "guard",
	.arguments = "",
	.summary = "lists and limits, and what they drop",
	.details = "Lists are read when the daemon starts and by lbctl reload. lbctl drops shows "
		   "some of what was dropped.",
	.examples = guard_examples,
	.run = guard_run,
};
