/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors at the ends of the cmd_*.c files, in the order of help. */
#ifndef LBCTL_COMMANDS_H
#define LBCTL_COMMANDS_H

#include "lbctl/command.h"

#define COMMANDS(X)    \
	X(status)      \
	X(services)    \
	X(backends)    \
	X(connections) \
	X(counters)    \
	X(guard)       \
	X(drops)       \
	X(peers)       \
	X(risk)        \
	X(metrics)     \
	X(backend)     \
	X(check)       \
	X(trace)       \
	X(diff)        \
	X(reload)      \
	X(resize)      \
	X(confirm)     \
	X(history)     \
	X(upgrade)     \
	X(rollback)    \
	X(drill)       \
	X(failover)    \
	X(cluster)     \
	X(role)        \
	X(keepalived)  \
	X(keygen)      \
	X(tune)        \
	X(version)     \
	X(help)

#define X(name) extern const struct command cmd_##name;
COMMANDS(X)
#undef X

#endif
