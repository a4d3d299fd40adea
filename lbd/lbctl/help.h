/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the descriptors say, as help, as lbctl(1) and as completion for bash. */
#ifndef LBCTL_HELP_H
#define LBCTL_HELP_H

#include "lbctl/command.h"

/* Help about @command, or with NULL about all of lbctl. */
void help_print(const struct command *command);

/* The man page, as roff. */
void man_print(void);

void completion_print(void);

/* Exit codes in ascending order; a NULL @what ends the list. */
struct help_exit {
	int code;
	const char *what;
};

extern const struct help_exit help_exits[];

#endif
