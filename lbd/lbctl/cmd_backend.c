// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/show.h"

static const char *const backend_actions[] = {
	"add", "remove", "drain", "undrain", "weight", NULL
};

#define BACKEND_NUMBER_MAX 65535 /* of weights and ports */

/* Put number @text, from @min on, into the request as @name. */
static int backend_number(const struct invocation *invocation, const char *name, long min,
			  const char *text, json_t *body)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < min || number > BACKEND_NUMBER_MAX)
		return options_refuse(invocation->command, "%s %s: expected %ld to %d", name, text,
				      min, BACKEND_NUMBER_MAX);
	json_object_set_new(body, name, json_integer(number));
	return LBCTL_OK;
}

/* What follows SERVICE BACKEND: an address for add, a weight for weight, else nothing. */
static int backend_fourth(const struct invocation *invocation, json_t *body)
{
	const char *action = invocation->argv[0];
	const char *fourth = invocation->argc > 3 ? invocation->argv[3] : NULL;
	bool add = !strcmp(action, "add"), weight = !strcmp(action, "weight");

	if ((add || weight) && !fourth)
		return options_refuse(invocation->command, "%s: %s missing", action,
				      add ? "address" : "weight");
	if (fourth && !add && !weight)
		return options_refuse(invocation->command, "%s: unexpected argument %s", action,
				      fourth);
	if (weight)
		return backend_number(invocation, "weight", 0, fourth, body);
	if (add)
		json_object_set_new(body, "address", json_string(fourth));
	return LBCTL_OK;
}

/* The options, all of them for add. */
static int backend_option(const struct invocation *invocation, const char *name, long min,
			  json_t *body)
{
	const char *text = command_value(invocation, name);

	if (!text)
		return LBCTL_OK;
	if (strcmp(invocation->argv[0], "add") != 0)
		return options_refuse(invocation->command, "--%s goes with add only", name);
	return backend_number(invocation, name, min, text, body);
}

static int backend_check_action(const struct invocation *invocation)
{
	const char *action = invocation->argv[0], *nearest;

	for (size_t i = 0; backend_actions[i]; i++)
		if (!strcmp(backend_actions[i], action))
			return LBCTL_OK;
	nearest = nearest_find(action, backend_actions);
	return options_refuse(invocation->command, "unknown action %s%s%s", action,
			      nearest ? ", did you mean " : "", nearest ? nearest : "");
}

static int backend_run(const struct invocation *invocation)
{
	json_t *body = json_pack("{s:s, s:s, s:s}", "action", invocation->argv[0], "service",
				 invocation->argv[1], "backend", invocation->argv[2]);
	const struct client_request request = { .endpoint = API_post_backends, .body = body };
	int rc;

	if (!body)
		return options_refuse(invocation->command, "arguments must be UTF-8");
	rc = backend_check_action(invocation);
	if (!rc)
		rc = backend_fourth(invocation, body);
	if (!rc)
		rc = backend_option(invocation, "weight", 0, body);
	if (!rc)
		rc = backend_option(invocation, "port", 1, body);
	if (!rc)
		rc = show_answer(invocation, &request, show_backends);
	json_decref(body);
	return rc;
}

static const struct command_option backend_options[] = {
	{ "weight", "N", "with add: its weight, 0 to 65535 (default: 100)" },
	{ "port", "N",
	  "with add, for forward: nat: where it listens (default: the service's port)" },
	{ 0 },
};

static const struct command_example backend_examples[] = {
	{ "backend add web web4 198.51.100.14 --weight 50", "a fourth backend, half as strong" },
	{ "backend add shop shop2 203.0.113.12 --port 8080",
	  "one that listens on another port than its service, which forwards by nat" },
	{ "backend drain web web1", "no new connections to web1, those it has go on" },
	{ "backend undrain web web1", "web1 takes new connections again" },
	{ "backend weight web web2 200", "web2 gets twice the default share" },
	{ "backend remove web web1",
	  "web1 leaves at once and its connections break: drain it first" },
	{ 0 },
};

const struct command cmd_backend = {
	.name = "backend",
	.arguments = "add|remove|drain|undrain|weight SERVICE BACKEND [ADDRESS|WEIGHT]",
	.summary = "change a service's backends now, until the next reload",
	.details = "Takes effect at once and stands until the next reload, which reads the config "
		   "file again: what shall stay belongs into the file.",
	.min = 3,
	.max = 4,
	.options = backend_options,
	.examples = backend_examples,
	.words = backend_actions,
	.run = backend_run,
};
