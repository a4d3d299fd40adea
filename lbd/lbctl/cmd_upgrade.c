// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/preflight_show.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/upgrade_daemon.h"

static int upgrade_check(const struct invocation *invocation, const json_t *body)
{
	const struct client_request request = { .endpoint = API_post_preflight, .body = body };
	json_t *answer;
	int rc = client_call(invocation, &request, &answer);

	if (rc)
		return rc;
	if (invocation->json)
		report_json(answer);
	else
		preflight_print(answer);
	rc = json_is_true(json_object_get(answer, "taken")) ? LBCTL_OK : LBCTL_FAILED;
	json_decref(answer);
	return rc;
}

static int upgrade_ask(const struct invocation *invocation, json_t *body)
{
	const struct client_request request = { .endpoint = API_post_upgrade, .body = body };

	if (command_value(invocation, "check"))
		return upgrade_check(invocation, body);
	if (command_value(invocation, "force"))
		json_object_set_new(body, "force", json_true());
	return show_answer(invocation, &request, show_generations);
}

/* The daemon has another working directory: it wants the absolute path. */
static int upgrade_object(const struct invocation *invocation)
{
	const char *path = invocation->argc ? invocation->argv[0] : NULL;
	char *absolute = path ? realpath(path, NULL) : NULL, text[512];
	json_t *body = json_object();
	int rc;

	if (path && !absolute) {
		snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
		rc = report_error(invocation, LBCTL_FAILED, strerrorname_np(errno), text, NULL);
	} else {
		if (absolute)
			json_object_set_new(body, "object", json_string(absolute));
		rc = upgrade_ask(invocation, body);
	}
	json_decref(body);
	free(absolute);
	return rc;
}

static int upgrade_run(const struct invocation *invocation)
{
	if (!command_value(invocation, "daemon"))
		return upgrade_object(invocation);
	if (invocation->argc || command_value(invocation, "check") ||
	    command_value(invocation, "force"))
		return options_refuse(invocation->command, "--daemon goes with nothing else");
	return upgrade_daemon(invocation);
}

static const struct command_option upgrade_options[] = {
	{ "check", NULL, "only say what an upgrade would find; nothing is swapped" },
	{ "force", NULL, "swap though packets fare otherwise than they do now" },
	{ "daemon", NULL, "the daemon, not the packet path: the installed lbd takes over" },
	{ 0 },
};

static const struct command_example upgrade_examples[] = {
	{ "upgrade", "load the installed packet path again" },
	{ "upgrade --check /tmp/lb.bpf.o", "would another one be taken, and what would it change" },
	{ "upgrade /tmp/lb.bpf.o", "try it; lbctl rollback goes back" },
	{ "upgrade --check --json | jq -e .taken", "for a script" },
	{ "upgrade --daemon", "after a new package, which does so by itself" },
	{ 0 },
};

const struct command cmd_upgrade = {
	.name = "upgrade",
	.arguments = "[--check | --force] [OBJECT] | --daemon",
	.summary = "load a new packet path, try it with test packets, swap to it",
	.details =
		"No packet is lost: the swap is one step over the same tables. If the new one is "
		"refused or fails its test packets, the running one runs on.\n"
		"Tried are: its maps, against those that are pinned; golden packets, which any "
		"packet "
		"path must get right, on tables of their own; a replay: packets of live "
		"connections, "
		"of new clients of each service and those that were dropped and kept, through "
		"copies "
		"of the running and the new one that write nothing, and both must do the same; the "
		"verifier. With --check nothing is swapped, and the exit status is 1 if it would "
		"be "
		"refused.\n"
		"A new version may be meant to treat some packet otherwise: --force overrules the "
		"replay, and nothing else. It is logged.\n"
		"With --daemon the running lbd starts the installed one, which takes over once it "
		"is ready: health checks, sync and the gate go on, and who asks the API meanwhile "
		"waits some milliseconds. If the new one fails, the old one serves on.",
	.max = 1,
	.options = upgrade_options,
	.examples = upgrade_examples,
	.run = upgrade_run,
};
