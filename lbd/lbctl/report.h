/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lbctl tells: JSON as it came, and errors for people or as JSON. */
#ifndef LBCTL_REPORT_H
#define LBCTL_REPORT_H

#include <jansson.h>

#include "lbctl/command.h"

/* Print @json, indented. Returns LBCTL_OK. */
int report_json(const json_t *json);

/*
 * Report a failure: to standard error for people, with --json as the API's
 * error body on standard output. @code is an errno's name; @hint may be NULL.
 * Returns @rc.
 */
int report_error(const struct invocation *invocation, int rc, const char *code, const char *message,
		 const char *hint);

#endif
