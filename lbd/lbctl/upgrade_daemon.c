// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/upgrade_daemon.h"

#include <stdio.h>
#include <time.h>

#include "lbctl/client.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/table.h"

#define UPGRADE_LOOK_MS 20
#define UPGRADE_PATIENCE_S 130 /* the daemon's own is shorter */

static json_int_t upgrade_pid(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

static void upgrade_sleep(void)
{
	const struct timespec pause = { .tv_nsec = UPGRADE_LOOK_MS * 1000000L };

	nanosleep(&pause, NULL);
}

/* Look until the process that answers isn't @old any more, or nobody is to take over. */
static int upgrade_follow(const struct invocation *invocation, json_int_t old, json_t **ret)
{
	const struct client_request request = { .endpoint = API_get_takeover };
	const time_t ends = time(NULL) + UPGRADE_PATIENCE_S;
	json_t *answer;
	int rc;

	for (;;) {
		upgrade_sleep();
		rc = client_call(invocation, &request, &answer);
		if (rc)
			return rc;
		if (upgrade_pid(answer, "pid") != old || !upgrade_pid(answer, "successor") ||
		    time(NULL) > ends)
			break;
		json_decref(answer);
	}
	*ret = answer;
	return LBCTL_OK;
}

static int upgrade_conclude(const struct invocation *invocation, json_int_t old,
			    const json_t *answer)
{
	const json_t *fault = json_object_get(answer, "fault");

	if (upgrade_pid(answer, "pid") == old)
		return report_error(invocation, LBCTL_FAILED, "ECANCELED",
				    json_is_string(fault) ? json_string_value(fault)
							  : "the new lbd doesn't come to an end",
				    "journalctl -u lbd");
	if (invocation->json)
		report_json(answer);
	else
		printf("lbd %s runs as process %lld, in place of %lld.\n",
		       table_text(json_object_get(answer, "version"), NULL),
		       (long long)upgrade_pid(answer, "pid"), (long long)old);
	return LBCTL_OK;
}

int upgrade_daemon(const struct invocation *invocation)
{
	const struct client_request request = { .endpoint = API_post_takeover };
	json_t *answer = NULL;
	json_int_t old;
	int rc;

	if (invocation->argc || invocation->given_count > 1)
		return options_refuse(invocation->command, "--daemon goes alone");
	rc = client_call(invocation, &request, &answer);
	if (rc)
		return rc;
	old = upgrade_pid(answer, "pid");
	json_decref(answer);
	rc = upgrade_follow(invocation, old, &answer);
	if (rc)
		return rc;
	rc = upgrade_conclude(invocation, old, answer);
	json_decref(answer);
	return rc;
}
