// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void drops_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "AGO", "ms_ago", table_ms, true },
		{ "FROM", "source", table_text, false },
		{ "TO", "destination", table_text, false },
		{ "PROTOCOL", "protocol", table_text, false },
		{ "BYTES", "length", table_count, true },
		{ "SERVICE", "service", table_text, false },
		{ "WHAT HAPPENED", "sentence", table_text, false },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "drops"),
		    "none kept: guard.sample in the config says how many are");
}

static int drops_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_get_drops, drops_print);
}

static const struct command_example drops_examples[] = {
	{ "drops", "who sends what is being dropped, the latest first" },
	{ "drops --json", "the same with the first bytes of each frame" },
	{ 0 },
};

const struct command cmd_drops = {
	.name = "drops",
	.arguments = "",
	.summary = "some of the dropped packets, and why",
	.details =
		"With guard.sample in the config, one in so many dropped packets of each kind is "
		"kept, the first one included; the last 512 are shown. They stand in a pinned "
		"map: restarts and upgrades keep them.",
	.examples = drops_examples,
	.run = drops_run,
};
