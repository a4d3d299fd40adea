// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static json_t *counters_select(const json_t *outcomes, bool zeros)
{
	json_t *list = json_array();
	json_t *outcome;
	size_t i;

	json_array_foreach(outcomes, i, outcome)
		if (zeros || json_integer_value(json_object_get(outcome, "packets")))
			json_array_append(list, outcome);
	return list;
}

static void counters_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "PACKETS", "packets", table_count, true },
		{ "SHARE", "share", table_share, true },
		{ "NAME", "name", table_text, false },
		{ "WHAT HAPPENED", "sentence", table_text, false },
		{ 0 },
	};
	json_t *rows = counters_select(json_object_get(answer, "outcomes"),
				       command_value(invocation, "all"));

	table_print(stdout, columns, rows, "no packet seen yet");
	json_decref(rows);
}

static int counters_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_get_counters, counters_print);
}

static const struct command_option counters_options[] = {
	{ "all", NULL, "also what never happened" },
	{ 0 },
};

static const struct command_example counters_examples[] = {
	{ "counters", "what happened to packets, as sentences" },
	{ "counters --all", "every counter, zeros too" },
	{ 0 },
};

const struct command cmd_counters = {
	.name = "counters",
	.arguments = "[--all]",
	.summary = "what happened to packets, counted",
	.details = "Every packet that came in counts in exactly one line. Counters live in pinned "
		   "maps: they go on through restarts and upgrades. JSON always has all of them.",
	.options = counters_options,
	.examples = counters_examples,
	.run = counters_run,
};
