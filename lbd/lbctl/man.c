// SPDX-License-Identifier: GPL-2.0-or-later
/* lbctl(1) as roff, man(7), from the descriptors. */
#include <stdio.h>

#include "lbctl/help.h"

#define MAN_DATE "2026-11-21" /* of the page's last change in substance */

/* Text as roff shows it literally: no requests, hyphens that can be copied; a newline parts paragraphs. */
static void man_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\n.PP\n", stdout);
			continue;
		}
		if (*text == '-' || *text == '\\')
			putchar('\\');
		putchar(*text == '\\' ? 'e' : *text);
	}
}

static void man_line(const char *text)
{
	man_text(text);
	putchar('\n');
}

static void man_options(const struct command_option *option)
{
	for (; option && option->name; option++) {
		fputs(".TP\n\\fB\\-\\-", stdout);
		man_text(option->name);
		fputs("\\fR", stdout);
		if (option->argument) {
			fputs(" \\fI", stdout);
			man_text(option->argument);
			fputs("\\fR", stdout);
		}
		putchar('\n');
		man_line(option->help);
	}
}

static void man_examples(const struct command_example *example)
{
	for (; example && example->line; example++) {
		fputs(".PP\n", stdout);
		man_line(example->what);
		fputs(".PP\n.in +4n\n.EX\nlbctl ", stdout);
		man_line(example->line);
		fputs(".EE\n.in\n", stdout);
	}
}

static void man_command(const struct command *command)
{
	printf(".SS lbctl %s%s", command->name, *command->arguments ? " " : "");
	man_line(command->arguments);
	man_line(command->summary);
	if (command->details) {
		fputs(".PP\n", stdout);
		man_line(command->details);
	}
	man_options(command->options);
	man_examples(command->examples);
}

static void man_exits(void)
{
	puts(".SH EXIT STATUS");
	for (size_t i = 0; help_exits[i].what; i++) {
		printf(".TP\n\\fB%d\\fR\n", help_exits[i].code);
		man_line(help_exits[i].what);
	}
}

void man_print(void)
{
	puts(".TH LBCTL 1 " MAN_DATE " \"lbd " LBD_VERSION "\" \"lbd manual\"\n"
	     ".SH NAME\nlbctl \\- look at the load balancer lbd and steer it\n"
	     ".SH SYNOPSIS\n\\fBlbctl\\fR [\\fIoptions\\fR] \\fIcommand\\fR "
	     "[\\fIarguments\\fR]\n"
	     ".SH DESCRIPTION\nlbctl asks the lbd of this node over its control socket. "
	     "Only root and members of group " API_GROUP " may use it; whoever may is as good as "
	     "root, because an upgrade loads a program into the kernel.\n"
	     ".SH OPTIONS\nEvery command takes these:");
	man_options(command_globals);
	puts(".PP\nThese stand instead of a command:");
	man_options(command_modes);
	puts(".SH COMMANDS");
	for (size_t i = 0; commands[i]; i++)
		man_command(commands[i]);
	man_exits();
	puts(".SH FILES\n.TP\n\\fI" API_RUN_DIR "/INSTANCE/" API_SOCKET_NAME "\\fR\n"
	     "the control socket\n.TP\n\\fI" API_CONFIG_DEFAULT "\\fR\nthe config file\n"
	     ".SH SEE ALSO\n\\fBlbd\\fR(8), \\fBlbd.yaml\\fR(5), \\fBkeepalived\\fR(8)");
}
