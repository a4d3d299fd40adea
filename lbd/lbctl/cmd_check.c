// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/keys.h"
#include "guard/guard.h"
#include "lbctl/commands.h"
#include "lbctl/report.h"

static uint32_t check_backends(const struct config *config)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->services_count; i++)
		count += config->services[i].backends_count;
	return count;
}

static void check_good(const struct invocation *invocation, const char *path,
		       const struct config *config)
{
	json_t *json;

	if (!invocation->json) {
		printf("%s: OK, %u services, %u backends\n", path, config->services_count,
		       check_backends(config));
		return;
	}
	json = json_pack("{s:b, s:I, s:I, s:[]}", "ok", 1, "services",
			 (json_int_t)config->services_count, "backends",
			 (json_int_t)check_backends(config), "faults");
	report_json(json);
	json_decref(json);
}

/* A line of the error is a fault. */
static json_t *check_faults(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length)
			json_array_append_new(list, json_stringn(text, length));
		text += length + (text[length] == '\n');
	}
	return list;
}

static int check_bad(const struct invocation *invocation, const struct error *err)
{
	json_t *json;

	if (!invocation->json) {
		fprintf(stderr, "%s\n", err->text);
		if (err->hint[0])
			fprintf(stderr, "Next: %s\n", err->hint);
		return LBCTL_CONFIG;
	}
	json = json_pack("{s:b, s:n, s:n, s:o}", "ok", 0, "services", "backends", "faults",
			 check_faults(err->text));
	report_json(json);
	json_decref(json);
	return LBCTL_CONFIG;
}

static int check_keys(const struct invocation *invocation)
{
	int rc = config_keys_print(stdout, command_value(invocation, "man"));

	if (!rc)
		return LBCTL_OK;
	return report_error(invocation, LBCTL_FAILED, strerrorname_np(-rc), "writing the keys",
			    NULL);
}

/* The file, and the lists that it names. */
static int check_read(const char *path, struct config **ret, struct error *err)
{
	struct guard *guard = NULL;
	int rc;

	rc = config_load(path, ret, err);
	if (!rc)
		rc = guard_read(*ret, &guard, err);
	guard_release(guard);
	return rc;
}

static int check_run(const struct invocation *invocation)
{
	const char *path = invocation->argc ? invocation->argv[0] : API_CONFIG_DEFAULT;
	struct config *config = NULL;
	struct error err = { 0 };
	int code = LBCTL_OK;

	if (command_value(invocation, "keys"))
		return check_keys(invocation);
	if (check_read(path, &config, &err))
		code = check_bad(invocation, &err);
	else
		check_good(invocation, path, config);
	config_free(config);
	return code;
}

static const struct command_option check_options[] = {
	{ "keys", NULL, "print every key of the config instead, with type, range and default" },
	{ "man", NULL, "with --keys: as roff, for lbd.yaml(5)" },
	{ 0 },
};

static const struct command_example check_examples[] = {
	{ "check /etc/lbd/lbd.yaml", "is the file right, before a reload" },
	{ "check --keys", "what may stand in it" },
	{ 0 },
};

const struct command cmd_check = {
	.name = "check",
	.arguments = "[FILE]",
	.summary = "check a config file without touching anything",
	.details = "Needs no daemon; reads the list files that the config names. Names every fault "
		   "with its line, its key, what came and what was expected. "
		   "Default: " API_CONFIG_DEFAULT ".",
	.max = 1,
	.options = check_options,
	.examples = check_examples,
	.run = check_run,
};
