/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command of lbctl: one file cmd_NAME.c that ends in its descriptor. Parsing,
 * --help, the man page and the shell completion all come from the descriptors.
 */
#ifndef LBCTL_COMMAND_H
#define LBCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lbd/api.h"

#define COMMAND_OPTIONS_MAX 8
#define COMMAND_GIVEN_MAX 32

struct command_option {
	const char *name;     /* without the dashes; NULL ends a list */
	const char *argument; /* what it takes, as shown in help; NULL: nothing */
	const char *help;
};

struct command_example {
	const char *line; /* without "lbctl "; NULL ends a list */
	const char *what;
};

struct invocation;

struct command {
	const char *name;
	const char *arguments; /* as shown in help; "" for none */
	const char *summary;   /* one line */
	const char *details;   /* paragraphs, one a line, for help and man page; or NULL */
	int min, max;	       /* how many arguments */
	const struct command_option *options;	/* or NULL */
	const struct command_example *examples; /* or NULL */
	const char *const *words; /* what the first argument may be, for completion; or NULL */
	int (*run)(const struct invocation *invocation);
};

/* A command line, taken apart. */
struct invocation {
	const struct command *command;
	const char *socket; /* path; may point to socket_path: never copy an invocation */
	char socket_path[128];
	const char *instance;
	bool json;
	long timeout_s;
	int argc; /* arguments without options */
	char **argv;
	const char *values[COMMAND_OPTIONS_MAX]; /* by place in command->options; NULL: not given */
	struct {
		int option; /* place in command->options */
		const char *value;
	} given[COMMAND_GIVEN_MAX]; /* the same in their order, for options that may come again */
	int given_count;
};

/* Every command, in the order of help; NULL ends the list. In main.c. */
extern const struct command *const commands[];

/* Options that every command takes, and those that stand instead of a command. In options.c. */
extern const struct command_option command_globals[];
extern const struct command_option command_modes[];

/* The value of the command's option @name ("" if it takes none), or NULL if not given. */
const char *command_value(const struct invocation *invocation, const char *name);

/* Value number @n of an option that may come again, or NULL. */
const char *command_value_at(const struct invocation *invocation, const char *name, int n);

/* NULL if there is none called so. */
const struct command *command_find(const char *name);

#endif
