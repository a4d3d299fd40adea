// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/tools/talk/talk.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "server", server_main },
	{ "client", client_main },
};

uint32_t talk_number(const char *option, const char *text, uint32_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && value >= 1 && value <= max)
		return (uint32_t)value;
	fprintf(stderr, "talk: --%s: \"%s\", expected a number from 1 to %u\n", option, text, max);
	exit(2);
}

void talk_enlarge_buffers(int fd)
{
	int bytes = 16 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fputs("usage: talk server|client [options]\n", stderr);
	return 2;
}
