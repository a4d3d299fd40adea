/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would break if this node died now, asked for part by part. */
#ifndef LBCTL_RISK_ASK_H
#define LBCTL_RISK_ASK_H

#include <jansson.h>

#include "lbctl/command.h"

/*
 * The parts, added up; up to @list connections are named (a number as text, NULL: none). LBCTL_OK:
 * *ret is the caller's; else the error has been reported.
 */
int risk_ask(const struct invocation *invocation, const char *list, json_t **ret);

#endif
