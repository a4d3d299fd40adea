// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/show.h"

static const char *const role_words[] = { "master", "backup", "fault", NULL };

static int role_set(const struct invocation *invocation, const char *role)
{
	json_t *body = json_pack("{s:s}", "role", role);
	const struct client_request request = { .endpoint = API_post_role, .body = body };
	int rc;

	if (!body)
		return options_refuse(invocation->command, "the role must be UTF-8");
	rc = show_answer(invocation, &request, show_role);
	json_decref(body);
	return rc;
}

static int role_run(const struct invocation *invocation)
{
	if (invocation->argc)
		return role_set(invocation, invocation->argv[0]);
	return show_endpoint(invocation, API_get_role, show_role);
}

static const struct command_example role_examples[] = {
	{ "role", "which role this node has, and whether it may have the VIP" },
	{ "role master", "what keepalived's notify script calls" },
	{ 0 },
};

const struct command cmd_role = {
	.name = "role",
	.arguments = "[master|backup|fault]",
	.summary = "show the role, or tell lbd the role that keepalived gave",
	.details = "keepalived decides who has the VIP; telling lbd a role doesn't move it.",
	.max = 1,
	.examples = role_examples,
	.words = role_words,
	.run = role_run,
};
