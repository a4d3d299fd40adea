// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"

static void confirm_print(const struct invocation *invocation, const json_t *answer)
{
	(void)invocation;
	printf("Confirmed: config %lld stays\n",
	       (long long)json_integer_value(json_object_get(answer, "number")));
}

static int confirm_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_post_confirm, confirm_print);
}

static const struct command_example confirm_examples[] = {
	{ "confirm", "all is well: keep what lbctl reload --confirm put on trial" },
	{ 0 },
};

const struct command cmd_confirm = {
	.name = "confirm",
	.arguments = "",
	.summary = "keep the config that lbctl reload --confirm put on trial",
	.details = "Without it what ran before runs again when the time is over; lbctl reload "
		   "--cancel does that at once.",
	.examples = confirm_examples,
	.run = confirm_run,
};
