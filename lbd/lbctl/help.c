// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/help.h"

#include <stdio.h>
#include <string.h>

#define HELP_WIDTH 88

const struct help_exit help_exits[] = {
#define X(constant, code, what) { code, what },
	LBCTL_EXITS(X)
#undef X
		{ 0, NULL },
};

/* Wrap at blanks; a newline stands between paragraphs. */
static void help_paragraph(const char *text)
{
	while (*text) {
		size_t take = strcspn(text, "\n");

		if (take > HELP_WIDTH) {
			take = HELP_WIDTH;
			while (take && text[take] != ' ')
				take--;
		}
		if (!take)
			take = strcspn(text, " ");
		printf("%.*s\n", (int)take, text);
		text += take;
		text += strspn(text, " ");
		if (*text == '\n') {
			putchar('\n');
			text++;
		}
	}
}

static void help_options(const char *title, const struct command_option *option)
{
	char left[64];

	if (!option || !option->name)
		return;
	printf("\n%s:\n", title);
	for (; option->name; option++) {
		snprintf(left, sizeof(left), "--%s %s", option->name,
			 option->argument ? option->argument : "");
		printf("  %-20s %s\n", left, option->help);
	}
}

static void help_examples(const struct command_example *example)
{
	if (!example)
		return;
	puts("\nExamples:");
	for (; example->line; example++)
		printf("  lbctl %s\n      %s\n", example->line, example->what);
}

static void help_command(const struct command *command)
{
	printf("Usage: lbctl %s%s%s\n\n%s: %s.\n", command->name, *command->arguments ? " " : "",
	       command->arguments, command->name, command->summary);
	if (command->details)
		help_paragraph(command->details);
	help_options("Options", command->options);
	help_examples(command->examples);
}

static void help_all(void)
{
	puts("Usage: lbctl [OPTIONS] COMMAND [ARGUMENTS]\n\n"
	     "Look at lbd, the load balancer on this node, and steer it.\n\nCommands:");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
}

void help_print(const struct command *command)
{
	if (command)
		help_command(command);
	else
		help_all();
	help_options("Options of every command", command_globals);
	if (!command)
		help_options("Instead of a command", command_modes);
	puts("\nExit codes:");
	for (size_t i = 0; help_exits[i].what; i++)
		printf("  %d  %s\n", help_exits[i].code, help_exits[i].what);
}
