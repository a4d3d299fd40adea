/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LBCTL_UPGRADE_DAEMON_H
#define LBCTL_UPGRADE_DAEMON_H

#include "lbctl/command.h"

/* lbctl upgrade --daemon: have the installed lbd take over from the running one. */
int upgrade_daemon(const struct invocation *invocation);

#endif
