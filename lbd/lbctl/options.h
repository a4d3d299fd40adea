/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LBCTL_OPTIONS_H
#define LBCTL_OPTIONS_H

#include "lbctl/command.h"

enum options_mode { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_MAN, OPTIONS_COMPLETION };

/*
 * Take a command line apart into *ret; its strings stay argv's, but the socket
 * path may stand in @ret itself. *ret_mode says what to do with it. Returns
 * LBCTL_OK, or LBCTL_USAGE after having told standard error what is wrong.
 */
int options_parse(int argc, char **argv, struct invocation *ret, enum options_mode *ret_mode);

/* Say on standard error what is wrong with the usage, and where help is. Returns LBCTL_USAGE. */
int options_refuse(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As options_refuse, naming the command that was probably meant. */
int options_unknown_command(const char *name);

#endif
