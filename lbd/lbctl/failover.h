/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A planned switchover, asked for and followed to its end. */
#ifndef LBCTL_FAILOVER_H
#define LBCTL_FAILOVER_H

#include <jansson.h>

#include "lbctl/command.h"

/* "30", "30s", "500ms" or "2min", in ms; -1: none of these. */
long failover_duration(const char *text);

/*
 * Begin one and tell of each change, as text unless --json, until it has ended. LBCTL_OK: *ret is
 * the last answer. The caller owns *ret, which may be set on failure too.
 */
int failover_move(const struct invocation *invocation, long timeout_ms, bool force, json_t **ret);

/* Has a peer taken over, by that answer? */
bool failover_moved(const json_t *answer);

#endif
