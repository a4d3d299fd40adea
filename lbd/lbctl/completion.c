// SPDX-License-Identifier: GPL-2.0-or-later
/* Completion for bash(1), from the descriptors. */
#include <stdio.h>

#include "lbctl/help.h"

static void completion_options(const struct command_option *option)
{
	for (; option && option->name; option++)
		printf(" --%s", option->name);
}

static void completion_case(const struct command *command)
{
	printf("\t%s)\n\t\twords=\"", command->name);
	for (size_t i = 0; command->words && command->words[i]; i++)
		printf("%s ", command->words[i]);
	fputs("--help$globals", stdout);
	completion_options(command->options);
	fputs("\"\n\t\t;;\n", stdout);
}

static void completion_commands(void)
{
	fputs("\t\"\")\n\t\twords=\"", stdout);
	for (size_t i = 0; commands[i]; i++)
		printf("%s ", commands[i]->name);
	fputs("$globals", stdout);
	completion_options(command_modes);
	fputs("\"\n\t\t;;\n", stdout);
}

void completion_print(void)
{
	puts("# bash completion for lbctl; made by lbctl --completion\n"
	     "_lbctl() {\n"
	     "\tlocal word command=\"\" words=\"\" globals current=\"${COMP_WORDS[COMP_CWORD]}\"");
	fputs("\tglobals=\"", stdout);
	completion_options(command_globals);
	puts("\"\n"
	     "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	     "\t\t[[ $word == -* || -n $command ]] || command=$word\n"
	     "\tdone\n"
	     "\tcase $command in");
	completion_commands();
	for (size_t i = 0; commands[i]; i++)
		completion_case(commands[i]);
	puts("\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	     "\t((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	     "}\n"
	     "complete -F _lbctl lbctl");
}
