// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"

static int rollback_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_post_rollback, show_generations);
}

static const struct command_example rollback_examples[] = {
	{ "rollback", "back to what ran before the last upgrade" },
	{ 0 },
};

const struct command cmd_rollback = {
	.name = "rollback",
	.arguments = "",
	.summary = "swap back to the previous packet path",
	.details = "Running and previous change places: a second rollback goes forward again.",
	.examples = rollback_examples,
	.run = rollback_run,
};
