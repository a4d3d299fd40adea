// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static const char *const history_words[] = { "show", NULL };

static const char *history_runs(const json_t *runs, char *buffer)
{
	(void)buffer;
	return json_is_true(runs) ? "*" : "";
}

static void history_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "", "runs", history_runs, false },
		{ "CONFIG", "number", table_count, true },
		{ "SINCE", "at", table_time, false },
		{ "BY", "trigger", table_text, false },
		{ "RESULT", "result", table_text, false },
		{ "CHANGES", "changes", table_count, true },
		{ "SUMMARY", "summary", table_text, false },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "configs"), "no config is kept");
}

static void history_print_one(const struct invocation *invocation, const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	(void)invocation;
	fputs(text ? text : "", stdout);
}

static int history_show(const struct invocation *invocation)
{
	const struct client_parameter query[] = { { "number", invocation->argv[1] },
						  { NULL, NULL } };
	const struct client_request request = { .endpoint = API_get_history, .query = query };

	return show_answer(invocation, &request, history_print_one);
}

static int history_run(const struct invocation *invocation)
{
	if (!invocation->argc)
		return show_endpoint(invocation, API_get_history, history_print);
	if (strcmp(invocation->argv[0], "show") != 0)
		return options_refuse(invocation->command, "unknown action %s, did you mean show?",
				      invocation->argv[0]);
	if (invocation->argc < 2)
		return options_refuse(invocation->command, "show: number of a config missing");
	return history_show(invocation);
}

static const struct command_example history_examples[] = {
	{ "history", "what ran when, and why" },
	{ "history show 12 >/tmp/lbd.yaml", "one of them as a file" },
	{ "diff --from-history 12", "what a return to it would change" },
	{ 0 },
};

const struct command cmd_history = {
	.name = "history",
	.arguments = "[show N]",
	.summary = "configs that were put in force, newest first",
	.details = "The one that runs has a star. lbctl reload --from-history N returns to one. A "
		   "start or reload that changes nothing makes no entry. The config key history "
		   "says how many are kept.",
	.max = 2,
	.examples = history_examples,
	.words = history_words,
	.run = history_run,
};
