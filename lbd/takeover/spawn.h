/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lbd that takes over, started by the one that runs. */
#ifndef TAKEOVER_SPAWN_H
#define TAKEOVER_SPAWN_H

#include <sys/types.h>

/*
 * Start @program with the arguments @argv (NULL at its end), and --takeover once.
 * It inherits no file but the standard ones, and blocks no signal. *ret: its
 * process, to be waited for by the caller. A negative errno: there is none.
 */
int spawn_heir(const char *program, char **argv, pid_t *ret);

#endif
