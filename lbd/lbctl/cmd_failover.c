// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

#define FAILOVER_LOOK_MS 50

/* "30", "30s", "500ms" or "2min", in ms; -1: none of these. */
static long failover_duration(const char *text)
{
	static const struct {
		const char *unit;
		long ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "min", 60000 } };
	char *end;
	long number = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || number > API_FAILOVER_TIMEOUT_MAX_MS)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(end, units[i].unit))
			return number * units[i].ms;
	return -1;
}

static void failover_sleep(void)
{
	const struct timespec pause = { .tv_nsec = FAILOVER_LOOK_MS * 1000000L };

	nanosleep(&pause, NULL);
}

static const char *failover_text(const json_t *answer, const char *key)
{
	return table_text(json_object_get(answer, key), NULL);
}

/* A line for each change, as it goes. */
static void failover_progress(const struct invocation *invocation, const json_t *answer, char *said,
			      size_t size)
{
	const char *sentence = failover_text(answer, "sentence");

	if (invocation->json || !strcmp(said, sentence))
		return;
	snprintf(said, size, "%s", sentence);
	printf("%s: %s\n", failover_text(answer, "state"), sentence);
	fflush(stdout);
}

static int failover_begin(const struct invocation *invocation, json_t **ret)
{
	const char *timeout = command_value(invocation, "timeout");
	struct client_request request = { .endpoint = API_post_failover };
	long timeout_ms = timeout ? failover_duration(timeout) : API_FAILOVER_TIMEOUT_MS;
	json_t *body;
	int rc;

	if (timeout_ms < 0)
		return options_refuse(invocation->command,
				      "--timeout %s: expected a duration like 30s or 500ms",
				      timeout);
	body = json_pack("{s:I, s:b}", "timeout_ms", (json_int_t)timeout_ms, "force",
			 command_value(invocation, "force") != NULL);
	request.body = body;
	rc = client_call(invocation, &request, ret);
	json_decref(body);
	return rc;
}

/* Look until it has ended; *answer is always the latest. */
static int failover_follow(const struct invocation *invocation, json_t **answer)
{
	const struct client_request request = { .endpoint = API_get_failover };
	char said[256] = "";
	json_t *next;
	int rc;

	failover_progress(invocation, *answer, said, sizeof(said));
	while (json_is_true(json_object_get(*answer, "on"))) {
		failover_sleep();
		rc = client_call(invocation, &request, &next);
		if (rc)
			return rc;
		json_decref(*answer);
		*answer = next;
		failover_progress(invocation, *answer, said, sizeof(said));
	}
	return LBCTL_OK;
}

static int failover_conclude(const struct invocation *invocation, const json_t *answer)
{
	bool moved = !strcmp(failover_text(answer, "state"), "moved");

	if (invocation->json)
		report_json(answer);
	else if (moved)
		printf("Moved: at most %lld ms without a master, as far as this node heard.\n",
		       (long long)json_integer_value(json_object_get(answer, "without_master_ms")));
	else if (!strcmp(failover_text(answer, "state"), "refused"))
		puts("Nothing was changed. --force moves the VIPs without proof: lbctl risk shows "
		     "what that would break.");
	return moved ? LBCTL_OK : LBCTL_FAILED;
}

static int failover_run(const struct invocation *invocation)
{
	json_t *answer = NULL;
	int rc = failover_begin(invocation, &answer);

	if (!rc)
		rc = failover_follow(invocation, &answer);
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
