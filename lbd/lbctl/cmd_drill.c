// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   POST /v1/drill -> GET until the sample has come -> GET, part by part, added up
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lbctl/client.h"
#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/table.h"

#define DRILL_LOOK_MS 20
#define DRILL_PATIENCE_MS 3000

static long long drill_value(const json_t *answer, const char *key)
{
	return (long long)json_integer_value(json_object_get(answer, key));
}

static int drill_ask(const struct invocation *invocation, char *ret_number, size_t size)
{
	const char *count = command_value(invocation, "count");
	struct client_request request = { .endpoint = API_post_drill };
	json_t *body =
		count ? json_pack("{s:I}", "count", (json_int_t)atoll(count)) : json_object();
	json_t *answer;
	int rc;

	request.body = body;
	rc = client_call(invocation, &request, &answer);
	json_decref(body);
	if (rc)
		return rc;
	snprintf(ret_number, size, "%lld", drill_value(answer, "number"));
	json_decref(answer);
	return LBCTL_OK;
}

static int drill_look(const struct invocation *invocation, const char *number, const char *from,
		      json_t **ret)
{
	const struct client_parameter query[] = {
		{ "number", number },
		{ "from", from },
		{ "service", invocation->argc ? invocation->argv[0] : NULL },
		{ 0 },
	};
	const struct client_request request = { .endpoint = API_get_drill, .query = query };

	return client_call(invocation, &request, ret);
}

/* The first part, as soon as the sample is here. */
static int drill_wait(const struct invocation *invocation, const char *number, json_t **ret)
{
	const struct timespec pause = { .tv_nsec = DRILL_LOOK_MS * 1000000L };
	int rc;

	for (int waited_ms = 0; waited_ms < DRILL_PATIENCE_MS; waited_ms += DRILL_LOOK_MS) {
		rc = drill_look(invocation, number, "0", ret);
		if (rc || json_is_true(json_object_get(*ret, "ready")))
			return rc;
		json_decref(*ret);
		*ret = NULL;
		nanosleep(&pause, NULL);
	}
	return report_error(invocation, LBCTL_FAILED, "ETIMEDOUT",
			    "the active node sent no sample: is it asked too often?",
			    "lbctl peers");
}

static void drill_add(json_t *sum, const json_t *part)
{
	static const char *const keys[] = { "tried", "agree", NULL };

	for (const char *const *key = keys; *key; key++)
		json_object_set_new(sum, *key,
				    json_integer(drill_value(sum, *key) + drill_value(part, *key)));
	json_array_extend(json_object_get(sum, "list"), json_object_get(part, "list"));
	json_object_set(sum, "next", json_object_get(part, "next"));
}

static int drill_collect(const struct invocation *invocation, const char *number, json_t *sum)
{
	char from[32];
	json_t *part;

	while (json_is_integer(json_object_get(sum, "next"))) {
		int rc;

		snprintf(from, sizeof(from), "%lld", drill_value(sum, "next"));
		rc = drill_look(invocation, number, from, &part);
		if (rc)
			return rc;
		drill_add(sum, part);
		json_decref(part);
	}
	return LBCTL_OK;
}

static void drill_print(const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "CLIENT", "client", table_text, false },
		{ "VIP", "vip", table_text, false },
		{ "SERVICE", "service", table_text, false },
		{ "PROTOCOL", "protocol", table_text, false },
		{ "BACKEND", "backend", table_text, false },
		{ "WOULD GO TO", "choice", table_text, false },
		{ "OUTCOME HERE", "outcome", table_text, false },
		{ 0 },
	};
	const json_t *list = json_object_get(answer, "list");

	printf("%lld of %lld connections of %s would go on to their backends here.\n",
	       drill_value(answer, "agree"), drill_value(answer, "tried"),
	       table_text(json_object_get(answer, "peer"), NULL));
	if (drill_value(answer, "unknown"))
		printf("%lld more are of services or backends that this node doesn't have.\n",
		       drill_value(answer, "unknown"));
	if (json_array_size(list))
		table_print(stdout, columns, list, "");
}

static int drill_conclude(const struct invocation *invocation, const json_t *answer)
{
	bool all = !json_array_size(json_object_get(answer, "list")) &&
		   !drill_value(answer, "unknown");

	if (invocation->json)
		report_json(answer);
	else
		drill_print(answer);
	return all ? LBCTL_OK : LBCTL_FAILED;
}

static int drill_run(const struct invocation *invocation)
{
	json_t *answer = NULL;
	char number[32];
	int rc = drill_ask(invocation, number, sizeof(number));

	if (!rc)
		rc = drill_wait(invocation, number, &answer);
	if (!rc)
		rc = drill_collect(invocation, number, answer);
	if (!rc)
		rc = drill_conclude(invocation, answer);
	json_decref(answer);
	return rc;
}

static const struct command_option drill_options[] = {
	{ "count", "N", "how many connections to try, up to 1024 (default: 256)" },
	{ 0 },
};

static const struct command_example drill_examples[] = {
	{ "drill", "on the standby: would it carry on what the active node carries" },
	{ "drill --count 1000 web", "of 1000 connections those of service web" },
	{ 0 },
};

const struct command cmd_drill = {
	.name = "drill",
	.arguments = "[--count N] [SERVICE]",
	.summary = "try a failover on a sample of the active node's connections",
	.details = "On the standby. Asks the active node for a random sample of its live "
		   "connections and runs a packet of each through this node's own packet path, "
		   "which writes nothing meanwhile. No VIP moves and no packet is sent. Prints how "
		   "many would go to the backend that they are on, and lists those that wouldn't. "
		   "The exit status is 1 if there are any.",
	.max = 1,
	.options = drill_options,
	.examples = drill_examples,
	.run = drill_run,
};
