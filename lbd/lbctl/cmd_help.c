// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/help.h"
#include "lbctl/options.h"

static int help_run(const struct invocation *invocation)
{
	const struct command *command = NULL;

	if (invocation->argc) {
		command = command_find(invocation->argv[0]);
		if (!command)
			return options_unknown_command(invocation->argv[0]);
	}
	help_print(command);
	return LBCTL_OK;
}

const struct command cmd_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "print help, or help about a command",
	.max = 1,
	.run = help_run,
};
