// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void reload_print(const struct invocation *invocation, const json_t *answer)
{
	(void)invocation;
	printf("Reloaded: %lld services, %lld backends, %lld of them up\n",
	       (long long)json_integer_value(json_object_get(answer, "services")),
	       (long long)json_integer_value(table_value(answer, "backends.total")),
	       (long long)json_integer_value(table_value(answer, "backends.up")));
	if (json_is_true(json_object_get(answer, "runtime_changes_dropped")))
		puts("Changes by lbctl backend were dropped: the file stands again.");
}

static int reload_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_post_reload, reload_print);
}

static const struct command_example reload_examples[] = {
	{ "check /etc/lbd/lbd.yaml && lbctl reload", "check first, then reload" },
	{ 0 },
};

const struct command cmd_reload = {
	.name = "reload",
	.arguments = "",
	.summary = "read the config file again and apply it",
	.details =
		"Takes effect for all services in one step and moves no connection whose backend "
		"stays. A faulty file changes nothing. Changes by lbctl backend are dropped.",
	.examples = reload_examples,
	.run = reload_run,
};
