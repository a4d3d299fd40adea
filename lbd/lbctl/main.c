// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "lbctl/commands.h"
#include "lbctl/help.h"
#include "lbctl/options.h"

const struct command *const commands[] = {
#define X(name) &cmd_##name,
	COMMANDS(X)
#undef X
		NULL,
};

static void main_print_version(void)
{
	puts("lbctl " LBD_VERSION);
}

int main(int argc, char **argv)
{
	static void (*const prints[])(void) = {
		[OPTIONS_VERSION] = main_print_version,
		[OPTIONS_MAN] = man_print,
		[OPTIONS_COMPLETION] = completion_print,
	};
	struct invocation invocation;
	enum options_mode mode;
	int rc = options_parse(argc, argv, &invocation, &mode);

	if (rc)
		return rc;
	if (mode == OPTIONS_RUN)
		return invocation.command->run(&invocation);
	if (mode == OPTIONS_HELP)
		help_print(invocation.command);
	else
		prints[mode]();
	return LBCTL_OK;
}
