// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   lbctl [global options] COMMAND [global and command options, arguments]
 *
 * getopt_long(3) runs twice: up to the command with the global options, then
 * over the rest with the command's own added.
 */
#include "lbctl/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

#define OPTIONS_TIMEOUT_DEFAULT 30
#define OPTIONS_TIMEOUT_MAX 3600

enum { OPTIONS_JSON = 1, OPTIONS_INSTANCE, OPTIONS_SOCKET, OPTIONS_TIMEOUT, OPTIONS_MODES = 100 };
#define OPTIONS_COMMAND 200 /* + place in the command's list */
#define OPTIONS_TABLE_MAX 32

/* In the order of the enum above; the descriptions are help, man page and completion. */
const struct command_option command_globals[] = {
	{ "json", NULL, "print JSON instead of tables" },
	{ "instance", "NAME", "talk to the lbd of this instance (default: lbd)" },
	{ "socket", "PATH", "talk to the lbd on this socket" },
	{ "timeout", "S", "wait this many seconds for an answer (default: 30)" },
	{ NULL, NULL, NULL },
};

/* In the order of enum options_mode, from OPTIONS_HELP. */
const struct command_option command_modes[] = {
	{ "help", NULL, "print help, after a command about that command" },
	{ "version", NULL, "print the version of lbctl" },
	{ "man", NULL, "print the man page lbctl(1)" },
	{ "completion", NULL, "print the completion script for bash" },
	{ NULL, NULL, NULL },
};

struct options_table {
	struct option options[OPTIONS_TABLE_MAX + 1];
	const char *names[OPTIONS_TABLE_MAX + 1];
	size_t count;
};

int options_refuse(const struct command *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("lbctl: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	if (command)
		fprintf(stderr, "\nUsage: lbctl %s%s%s", command->name,
			*command->arguments ? " " : "", command->arguments);
	fprintf(stderr, "\nMore: lbctl %s%s--help\n", command ? command->name : "",
		command ? " " : "");
	return LBCTL_USAGE;
}

static void options_add(struct options_table *table, const struct command_option *list, int first)
{
	for (; list && list->name && table->count < OPTIONS_TABLE_MAX; list++) {
		table->names[table->count] = list->name;
		table->options[table->count++] = (struct option){
			.name = list->name,
			.has_arg = list->argument ? required_argument : no_argument,
			.val = first++,
		};
	}
}

static void options_add_globals(struct options_table *table)
{
	options_add(table, command_globals, OPTIONS_JSON);
	options_add(table, command_modes, OPTIONS_MODES);
}

static int options_set_instance(struct invocation *invocation, const char *name)
{
	char *path = invocation->socket_path;
	size_t size = sizeof(invocation->socket_path);

	invocation->instance = name;
	invocation->socket = path;
	if (strchr(name, '/') || !*name ||
	    (size_t)snprintf(path, size, API_RUN_DIR "/%s/" API_SOCKET_NAME, name) >= size)
		return options_refuse(NULL, "--instance %s: expected a name", name);
	return LBCTL_OK;
}

static int options_set_timeout(struct invocation *invocation, const char *text)
{
	char *end;

	invocation->timeout_s = strtol(text, &end, 10);
	if (*end || invocation->timeout_s < 1 || invocation->timeout_s > OPTIONS_TIMEOUT_MAX)
		return options_refuse(NULL, "--timeout %s: expected 1 to %d seconds", text,
				      OPTIONS_TIMEOUT_MAX);
	return LBCTL_OK;
}

static int options_give(struct invocation *invocation, int option, const char *value)
{
	if (invocation->given_count == COMMAND_GIVEN_MAX)
		return options_refuse(invocation->command, "more than %d options",
				      COMMAND_GIVEN_MAX);
	invocation->values[option] = value;
	invocation->given[invocation->given_count].option = option;
	invocation->given[invocation->given_count++].value = value;
	return LBCTL_OK;
}

static int options_set(struct invocation *invocation, enum options_mode *mode, int value)
{
	if (value >= OPTIONS_COMMAND)
		return options_give(invocation, value - OPTIONS_COMMAND, optarg ? optarg : "");
	if (value >= OPTIONS_MODES)
		*mode = OPTIONS_HELP + (value - OPTIONS_MODES);
	else if (value == OPTIONS_JSON)
		invocation->json = true;
	else if (value == OPTIONS_SOCKET)
		invocation->socket = optarg;
	else if (value == OPTIONS_INSTANCE)
		return options_set_instance(invocation, optarg);
	else
		return options_set_timeout(invocation, optarg);
	return LBCTL_OK;
}

static int options_unknown(const struct command *command, const struct options_table *table,
			   const char *given)
{
	const char *word = given + strspn(given, "-"), *nearest;
	char name[NEAREST_WORD_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	nearest = nearest_find(name, table->names);
	if (nearest)
		return options_refuse(command, "unknown option %s, did you mean --%s?", given,
				      nearest);
	return options_refuse(command, "unknown option %s", given);
}

/* One pass of getopt_long(3); afterwards optind is at the first argument. */
static int options_pass(int argc, char **argv, const char *style, const struct options_table *table,
			struct invocation *invocation, enum options_mode *mode)
{
	int value, rc = LBCTL_OK;

	opterr = 0;
	while (rc == LBCTL_OK) {
		/* getopt_long has moved on when it refuses: remember what it looked at. */
		const char *given = argv[optind ? optind : 1];

		value = getopt_long(argc, argv, style, table->options, NULL);
		if (value == -1)
			break;
		if (optind > 1 && argv[optind - 1][0] == '-')
			given = argv[optind - 1];
		if (value == ':')
			rc = options_refuse(invocation->command, "%s needs a value", given);
		else if (value == '?')
			rc = options_unknown(invocation->command, table, given);
		else
			rc = options_set(invocation, mode, value);
	}
	return rc;
}

int options_unknown_command(const char *name)
{
	const char *names[OPTIONS_TABLE_MAX + 1] = { 0 }, *nearest;

	for (size_t i = 0; i < OPTIONS_TABLE_MAX && commands[i]; i++)
		names[i] = commands[i]->name;
	nearest = nearest_find(name, names);
	if (nearest)
		return options_refuse(NULL, "unknown command %s, did you mean %s?", name, nearest);
	return options_refuse(NULL, "unknown command %s", name);
}

static int options_check_arguments(const struct invocation *invocation)
{
	const struct command *command = invocation->command;

	if (invocation->argc < command->min)
		return options_refuse(command, "%s: argument missing", command->name);
	if (invocation->argc > command->max)
		return options_refuse(command, "%s: unexpected argument %s", command->name,
				      invocation->argv[command->max]);
	return LBCTL_OK;
}

/* A command's own option comes first and so wins over a global one of the same name. */
static int options_parse_command(int argc, char **argv, struct invocation *ret,
				 enum options_mode *ret_mode)
{
	struct options_table table = { 0 };
	int rc;

	ret->command = command_find(argv[0]);
	if (!ret->command)
		return options_unknown_command(argv[0]);
	options_add(&table, ret->command->options, OPTIONS_COMMAND);
	options_add_globals(&table);
	optind = 0; /* start over, getopt(3) */
	rc = options_pass(argc, argv, ":", &table, ret, ret_mode);
	ret->argc = argc - optind;
	ret->argv = argv + optind;
	if (!rc && *ret_mode == OPTIONS_RUN)
		rc = options_check_arguments(ret);
	return rc;
}

int options_parse(int argc, char **argv, struct invocation *ret, enum options_mode *ret_mode)
{
	struct options_table table = { 0 };
	int rc;

	*ret = (struct invocation){ .timeout_s = OPTIONS_TIMEOUT_DEFAULT };
	*ret_mode = OPTIONS_RUN;
	options_set_instance(ret, API_INSTANCE_DEFAULT);
	options_add_globals(&table);
	rc = options_pass(argc, argv, "+:", &table, ret, ret_mode);
	if (rc || *ret_mode != OPTIONS_RUN)
		return rc;
	if (optind < argc)
		return options_parse_command(argc - optind, argv + optind, ret, ret_mode);
	return options_refuse(NULL, "a command is missing");
}

const char *command_value(const struct invocation *invocation, const char *name)
{
	const struct command_option *option = invocation->command->options;

	for (size_t i = 0; option && option[i].name; i++)
		if (!strcmp(option[i].name, name))
			return invocation->values[i];
	return NULL;
}

const char *command_value_at(const struct invocation *invocation, const char *name, int n)
{
	const struct command_option *options = invocation->command->options;

	for (int i = 0; i < invocation->given_count; i++)
		if (!strcmp(options[invocation->given[i].option].name, name) && !n--)
			return invocation->given[i].value;
	return NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}
