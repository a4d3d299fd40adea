// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

/* What stands behind a change that isn't simply put in force. */
static const char *diff_effect(const char *effect)
{
	static const struct {
		const char *name, *text;
	} effects[] = {
		{ "resize", "   (the table is made anew in this size)" },
		{ "refused", "   (refused)" },
		{ "keepalived", "   (lbctl keepalived prints keepalived.conf anew)" },
	};

	for (size_t i = 0; i < sizeof(effects) / sizeof(*effects); i++)
		if (!strcmp(effects[i].name, effect))
			return effects[i].text;
	return "";
}

static void diff_change(const json_t *change)
{
	const char *path = json_string_value(json_object_get(change, "path"));
	const char *old = json_string_value(json_object_get(change, "old"));
	const char *new = json_string_value(json_object_get(change, "new"));
	const char *effect = json_string_value(json_object_get(change, "effect"));

	if (!path || !effect)
		return;
	if (!old)
		printf("+ %s%s%s%s\n", path, new &&*new ? ": " : "", new ? new : "",
		       diff_effect(effect));
	else if (!new)
		printf("- %s%s%s%s\n", path, *old ? ": " : "", old, diff_effect(effect));
	else
		printf("~ %s: %s -> %s%s\n", path, old, new, diff_effect(effect));
}

static void diff_features(const char *sign, const json_t *features)
{
	const json_t *feature;
	size_t i;

	json_array_foreach(features, i, feature)
		printf(" %s%s", sign, table_text(feature, NULL));
}

static void diff_packet_path(const json_t *path)
{
	if (!json_is_true(json_object_get(path, "reload")))
		return;
	printf("A packet path for it is loaded and swapped in:");
	if (!json_array_size(json_object_get(path, "added")) &&
	    !json_array_size(json_object_get(path, "removed")))
		printf(" the same features, other constants");
	diff_features("+", json_object_get(path, "added"));
	diff_features("-", json_object_get(path, "removed"));
	putchar('\n');
}

static void diff_print(const struct invocation *invocation, const json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes"), *change;
	long long total = (long long)json_integer_value(json_object_get(answer, "total"));
	const char *refused = json_string_value(json_object_get(answer, "refused"));
	size_t i;

	(void)invocation;
	json_array_foreach(changes, i, change)
		diff_change(change);
	if (total > (long long)json_array_size(changes))
		printf("... and %lld more\n", total - (long long)json_array_size(changes));
	diff_packet_path(json_object_get(answer, "packet_path"));
	if (json_is_true(json_object_get(answer, "runtime_changes")))
		puts("Some of it takes back what lbctl backend changed.");
	if (refused)
		printf("A reload would be refused: %s\n", refused);
	if (!json_is_true(json_object_get(answer, "differs")))
		puts("No difference: a reload would change nothing.");
}

static int diff_judge(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "differs")) ? LBCTL_DIFFERS : LBCTL_OK;
}

static int diff_ask(const struct invocation *invocation, const char *file)
{
	const struct client_parameter query[] = {
		{ "file", file },
		{ "history", command_value(invocation, "from-history") },
		{ NULL, NULL },
	};
	const struct client_request request = { .endpoint = API_get_diff, .query = query };

	return show_judged(invocation, &request, diff_print, diff_judge);
}

static int diff_run(const struct invocation *invocation)
{
	char *path = NULL;
	int rc = LBCTL_OK;

	if (invocation->argc && command_value(invocation, "from-history"))
		return options_refuse(invocation->command, "a FILE or --from-history, not both");
	if (invocation->argc)
		rc = client_path(invocation, invocation->argv[0], &path);
	if (!rc)
		rc = diff_ask(invocation, path);
	free(path);
	return rc;
}

static const struct command_option diff_options[] = {
	{ "from-history", "N", "look at this config of lbctl history in place of a file" },
	{ 0 },
};

static const struct command_example diff_examples[] = {
	{ "diff", "what would a reload change, and would it be refused" },
	{ "diff /tmp/lbd.yaml", "the same for a draft" },
	{ "diff --json | jq -r '.changes[].path'", "which keys, for a script" },
	{ 0 },
};

const struct command cmd_diff = {
	.name = "diff",
	.arguments = "[FILE]",
	.summary = "what a reload would change against what runs, changing nothing",
	.details =
		"The daemon reads the file (without one: its own) and compares it with what runs, "
		"changes by lbctl backend included: + comes, - goes, ~ gets another value. Says "
		"too which features the packet path gains or loses, and why a reload would be "
		"refused. Files that the config names (secret, keys, lists) are never shown.\n"
		"Exit code 0: no difference; 5: there are some; others as below.",
	.max = 1,
	.options = diff_options,
	.examples = diff_examples,
	.run = diff_run,
};
