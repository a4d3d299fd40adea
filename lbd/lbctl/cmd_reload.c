// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void reload_print(const struct invocation *invocation, const json_t *answer)
{
	const json_t *trial = json_object_get(answer, "trial");

	(void)invocation;
	printf("Reloaded: %lld services, %lld backends, %lld of them up\n",
	       (long long)json_integer_value(json_object_get(answer, "services")),
	       (long long)json_integer_value(table_value(answer, "backends.total")),
	       (long long)json_integer_value(table_value(answer, "backends.up")));
	if (json_is_true(json_object_get(answer, "runtime_changes_dropped")))
		puts("Changes by lbctl backend and resize were dropped: the file stands again.");
	if (json_is_object(trial))
		printf("On trial: config %lld runs again in %lld s, unless: lbctl confirm\n",
		       (long long)json_integer_value(json_object_get(trial, "back_to")),
		       ((long long)json_integer_value(json_object_get(trial, "left_ms")) + 999) /
			       1000);
}

static void reload_print_cancel(const struct invocation *invocation, const json_t *answer)
{
	(void)invocation;
	printf("What ran before the trial runs again, as config %lld\n",
	       (long long)json_integer_value(json_object_get(answer, "number")));
}

/* "60s", "5m", "1h", "60": into ms; 0: that is no time, or not in range. */
static json_int_t reload_time(const char *text)
{
	static const struct {
		const char *suffix;
		long ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || number < 1 || number > API_CONFIRM_MAX_MS / 1000)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(units[i].suffix, end) && number <= API_CONFIRM_MAX_MS / units[i].ms)
			return (json_int_t)number * units[i].ms;
	return 0;
}

static int reload_read_confirm(const struct invocation *invocation, json_t *body)
{
	const char *text = command_value(invocation, "confirm");
	json_int_t ms = text ? reload_time(text) : 0;

	if (!text)
		return LBCTL_OK;
	if (!ms)
		return options_refuse(invocation->command,
				      "--confirm %s: expected a time of 1s to 24h", text);
	json_object_set_new(body, "confirm_ms", json_integer(ms));
	return LBCTL_OK;
}

static int reload_read_history(const struct invocation *invocation, json_t *body)
{
	const char *text = command_value(invocation, "from-history");
	char *end;
	long number = text ? strtol(text, &end, 10) : 0;

	if (!text)
		return LBCTL_OK;
	if (end == text || *end || number < 1)
		return options_refuse(
			invocation->command,
			"--from-history %s: expected a number that lbctl history shows", text);
	json_object_set_new(body, "history", json_integer(number));
	return LBCTL_OK;
}

static int reload_run(const struct invocation *invocation)
{
	json_t *body = json_object();
	const struct client_request request = { .endpoint = API_post_reload, .body = body };
	int rc;

	rc = reload_read_confirm(invocation, body);
	if (!rc)
		rc = reload_read_history(invocation, body);
	if (!rc && command_value(invocation, "cancel") && json_object_size(body))
		rc = options_refuse(invocation->command, "--cancel goes with no other option");
	if (!rc && command_value(invocation, "cancel"))
		rc = show_endpoint(invocation, API_post_cancel, reload_print_cancel);
	else if (!rc)
		rc = show_answer(invocation, &request, reload_print);
	json_decref(body);
	return rc;
}

static const struct command_option reload_options[] = {
	{ "confirm", "TIME", "go back after this time (1s to 24h) unless lbctl confirm comes" },
	{ "cancel", NULL, "go back at once to what ran before --confirm" },
	{ "from-history", "N", "take this config of lbctl history in place of the file" },
	{ 0 },
};

static const struct command_example reload_examples[] = {
	{ "check /etc/lbd/lbd.yaml && lbctl reload", "check first, then reload" },
	{ "reload --confirm 60s",
	  "try it: without lbctl confirm within a minute, all is as before" },
	{ "reload --from-history 12", "return to an older config" },
	{ 0 },
};

const struct command cmd_reload = {
	.name = "reload",
	.arguments = "",
	.summary = "read the config file again and apply it",
	.details =
		"Takes effect for all services in one step and moves no connection whose backend "
		"stays. A faulty file changes nothing. Changes by lbctl backend and resize are "
		"dropped.\n"
		"With --confirm the config is on trial: after the time, and at every start of lbd "
		"meanwhile, what ran before runs again, and later starts keep to it until the file "
		"is edited or reloaded. Another --confirm begins the time anew, with the same way "
		"back; a reload without it, SIGHUP and lbctl backend are refused until the trial "
		"is "
		"decided.\n"
		"With --from-history that config runs in place of the file, also after a restart, "
		"until the file is edited or reloaded.",
	.options = reload_options,
	.examples = reload_examples,
	.run = reload_run,
};
