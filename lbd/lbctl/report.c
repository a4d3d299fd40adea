// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/report.h"

#include <stdio.h>

int report_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	return LBCTL_OK;
}

int report_error(const struct invocation *invocation, int rc, const char *code, const char *message,
		 const char *hint)
{
	json_t *body;

	if (!invocation->json) {
		fprintf(stderr, "lbctl: %s\n", message);
		if (hint)
			fprintf(stderr, "Next: %s\n", hint);
		return rc;
	}
	body = json_pack("{s:{s:s, s:s?, s:s}}", "error", "message", message, "hint", hint, "code",
			 code);
	report_json(body);
	json_decref(body);
	return rc;
}
