// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void services_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "SERVICE", "name", table_text, false },
		{ "VIP", "vip", table_text, false },
		{ "PORT", "port", table_port, true },
		{ "PROTOCOL", "protocol", table_text, false },
		{ "FORWARD", "forward", table_text, false },
		{ "STATE", "state", table_text, false },
		{ "UP", "up", table_count, true },
		{ "BACKENDS", "backends", table_count, true },
		{ "CONNECTIONS", "connections", table_count, true },
		{ "PACKETS", "packets", table_count, true },
		{ "BYTES", "bytes", table_bytes, true },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "services"), "no services");
}

static int services_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_get_services, services_print);
}

static const struct command_example services_examples[] = {
	{ "services", "every service with its traffic" },
	{ 0 },
};

const struct command cmd_services = {
	.name = "services",
	.arguments = "",
	.summary = "list the services with their traffic",
	.details = "A service is up if at least one backend takes new connections, on fallback if "
		   "only one of those for fallback does. A gone one was "
		   "removed from the config, but connections still use it.",
	.examples = services_examples,
	.run = services_run,
};
