// SPDX-License-Identifier: GPL-2.0-or-later
#include "takeover/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL: out of memory. The strings stay the caller's. */
static char **spawn_arguments(char **argv)
{
	static char option[] = "--takeover";
	size_t count = 0, kept = 0;
	char **arguments;

	while (argv[count])
		count++;
	arguments = calloc(count + 2, sizeof(*arguments));
	for (size_t i = 0; arguments && i < count; i++)
		if (strcmp(argv[i], option) != 0)
			arguments[kept++] = argv[i];
	if (arguments)
		arguments[kept] = option;
	return arguments;
}

/* Not all libraries open files for this process only, and AF_XDP sockets must not live on. */
static int spawn_prepare(posix_spawnattr_t *how, posix_spawn_file_actions_t *files)
{
	sigset_t none, defaults;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigmask(how, &none);
	posix_spawnattr_setsigdefault(how, &defaults);
	posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return -posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
}

static int spawn_with(const char *program, char **arguments, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	int rc;

	rc = -posix_spawnattr_init(&how);
	if (rc)
		return rc;
	rc = -posix_spawn_file_actions_init(&files);
	if (!rc) {
		rc = spawn_prepare(&how, &files);
		if (!rc)
			rc = -posix_spawn(ret, program, &files, &how, arguments, environ);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&how);
	return rc;
}

int spawn_heir(const char *program, char **argv, pid_t *ret)
{
	char **arguments = spawn_arguments(argv);
	int rc = arguments ? spawn_with(program, arguments, ret) : -ENOMEM;

	free(arguments);
	return rc;
}
