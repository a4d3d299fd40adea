// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/upgrade_daemon.h"

static int upgrade_object(const struct invocation *invocation, const char *path)
{
	/* The daemon has another working directory: it wants the absolute path. */
	char *absolute = realpath(path, NULL), text[512];
	json_t *body = absolute ? json_pack("{s:s}", "object", absolute) : NULL;
	const struct client_request request = { .endpoint = API_post_upgrade, .body = body };
	int rc;

	if (body) {
		rc = show_answer(invocation, &request, show_generations);
	} else {
		snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
		rc = report_error(invocation, LBCTL_FAILED, strerrorname_np(errno), text, NULL);
	}
	json_decref(body);
	free(absolute);
	return rc;
}

static int upgrade_run(const struct invocation *invocation)
{
	if (command_value(invocation, "daemon") && invocation->argc)
		return options_refuse(invocation->command, "--daemon takes no object");
	if (command_value(invocation, "daemon"))
		return upgrade_daemon(invocation);
	if (invocation->argc)
		return upgrade_object(invocation, invocation->argv[0]);
	return show_endpoint(invocation, API_post_upgrade, show_generations);
}

static const struct command_option upgrade_options[] = {
	{ "daemon", NULL, "the daemon, not the packet path: the installed lbd takes over" },
	{ 0 },
};

static const struct command_example upgrade_examples[] = {
	{ "upgrade", "load the installed packet path again" },
	{ "upgrade /tmp/lb.bpf.o", "try another one; lbctl rollback goes back" },
	{ "upgrade --daemon", "after a new package: as it does by itself" },
	{ 0 },
};

const struct command cmd_upgrade = {
	.name = "upgrade",
	.arguments = "[OBJECT | --daemon]",
	.summary = "load a new packet path, try it with test packets, swap to it",
	.details =
		"No packet is lost: the swap is one step over the same tables. If the new one is "
		"refused or fails its test packets, the running one runs on.\n"
		"With --daemon the running lbd starts the installed one, which takes over once it "
		"is ready: health checks, sync and the gate go on, and who asks the API meanwhile "
		"waits some milliseconds. If the new one fails, the old one serves on.",
	.max = 1,
	.options = upgrade_options,
	.examples = upgrade_examples,
	.run = upgrade_run,
};
