// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/failover.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static int failover_conclude(const struct invocation *invocation, const json_t *answer)
{
	bool moved = failover_moved(answer);

	if (invocation->json)
		report_json(answer);
	else if (moved)
		printf("Moved: at most %lld ms without a master, as far as this node heard.\n",
		       (long long)json_integer_value(json_object_get(answer, "without_master_ms")));
	else if (!strcmp(table_text(json_object_get(answer, "state"), NULL), "refused"))
		puts("Nothing was changed. --force moves the VIPs without proof: lbctl risk shows "
		     "what that would break.");
	return moved ? LBCTL_OK : LBCTL_FAILED;
}

static int failover_run(const struct invocation *invocation)
{
	const char *timeout = command_value(invocation, "timeout");
	long timeout_ms = timeout ? failover_duration(timeout) : API_FAILOVER_TIMEOUT_MS;
	json_t *answer;
	int rc;

	if (timeout_ms < 0)
		return options_refuse(invocation->command,
				      "--timeout %s: expected a duration like 30s or 500ms",
				      timeout);
	rc = failover_move(invocation, timeout_ms, command_value(invocation, "force"), &answer);
	if (!rc)
		rc = failover_conclude(invocation, answer);
	json_decref(answer);
	return rc;
}

static const struct command_option failover_options[] = {
	{ "timeout", "TIME", "how long to wait for proof (default: 30s)" },
	{ "force", NULL, "don't wait for proof" },
	{ 0 },
};

static const struct command_example failover_examples[] = {
	{ "failover", "let the standby take over, once it has proven that it holds everything" },
	{ "failover --timeout 2min", "the same for a busy node" },
	{ 0 },
};

const struct command cmd_failover = {
	.name = "failover",
	.arguments = "[--timeout TIME] [--force]",
	.summary = "planned switchover: proof first, then the VIPs move",
	.details =
		"On the active node. Waits until every peer that answers is proven to hold what "
		"this node holds: its digests agree, and nothing is unsynced for more than 50 ms. "
		"Then lets go of the VIPs and sees that a peer takes them. Without proof within "
		"the timeout, or if it is interrupted before that, nothing is changed and the exit "
		"status is 1; if no peer takes over within 3 s this node goes on.\n"
		"Afterwards this node ranks 50 below its vrrp.priority, so that it doesn't take "
		"the "
		"VIPs back by it (priorities must differ by less than that). It has its full rank "
		"again when it is master again, by lbctl failover on the other node or by its "
		"death, or after a reboot.",
	.options = failover_options,
	.examples = failover_examples,
	.run = failover_run,
};
