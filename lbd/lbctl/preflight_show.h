/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What POST /v1/preflight found, for people. */
#ifndef LBCTL_PREFLIGHT_SHOW_H
#define LBCTL_PREFLIGHT_SHOW_H

#include <jansson.h>

struct invocation;

/* Fits show_judged. */
void preflight_show(const struct invocation *invocation, const json_t *answer);

#endif
