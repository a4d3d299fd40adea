// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "lbctl/commands.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void version_print(const struct invocation *invocation, const json_t *answer)
{
	(void)invocation;
	printf("lbctl " LBD_VERSION "\n"
	       "lbd   %s, node %s, instance %s, process %lld, API %lld, maps %lld\n",
	       table_text(json_object_get(answer, "version"), NULL),
	       table_text(json_object_get(answer, "node"), NULL),
	       table_text(json_object_get(answer, "instance"), NULL),
	       (long long)json_integer_value(json_object_get(answer, "pid")),
	       (long long)json_integer_value(json_object_get(answer, "api")),
	       (long long)json_integer_value(json_object_get(answer, "maps_abi")));
}

static int version_run(const struct invocation *invocation)
{
	const struct client_request request = { .endpoint = API_get_version };
	json_t *answer, *both;
	int rc;

	if (!invocation->json)
		return show_answer(invocation, &request, version_print);
	rc = client_call(invocation, &request, &answer);
	if (rc)
		return rc;
	both = json_pack("{s:s, s:o}", "lbctl", LBD_VERSION, "daemon", answer);
	report_json(both);
	json_decref(both);
	return LBCTL_OK;
}

static const struct command_example version_examples[] = {
	{ "version", "versions of lbctl and of the running daemon" },
	{ 0 },
};

const struct command cmd_version = {
	.name = "version",
	.arguments = "",
	.summary = "versions of lbctl and of the running daemon",
	.details = "Without a daemon use lbctl --version.",
	.examples = version_examples,
	.run = version_run,
};
