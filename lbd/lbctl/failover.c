// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/failover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lbctl/client.h"
#include "lbctl/table.h"

#define FAILOVER_LOOK_MS 50

long failover_duration(const char *text)
{
	static const struct {
		const char *unit;
		long ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "min", 60000 } };
	char *end;
	long number = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || number > API_FAILOVER_TIMEOUT_MAX_MS)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(end, units[i].unit))
			return number * units[i].ms;
	return -1;
}

static void failover_sleep(void)
{
	const struct timespec pause = { .tv_nsec = FAILOVER_LOOK_MS * 1000000L };

	nanosleep(&pause, NULL);
}

static const char *failover_text(const json_t *answer, const char *key)
{
	return table_text(json_object_get(answer, key), NULL);
}

/* A line for each change, as it goes. */
static void failover_progress(const struct invocation *invocation, const json_t *answer, char *said,
			      size_t size)
{
	const char *sentence = failover_text(answer, "sentence");

	if (invocation->json || !strcmp(said, sentence))
		return;
	snprintf(said, size, "%s", sentence);
	printf("%s: %s\n", failover_text(answer, "state"), sentence);
	fflush(stdout);
}

static int failover_begin(const struct invocation *invocation, long timeout_ms, bool force,
			  json_t **ret)
{
	json_t *body =
		json_pack("{s:I, s:b}", "timeout_ms", (json_int_t)timeout_ms, "force", force);
	const struct client_request request = { .endpoint = API_post_failover, .body = body };
	int rc = client_call(invocation, &request, ret);

	json_decref(body);
	return rc;
}

/* Look until it has ended; *answer is always the latest. */
static int failover_follow(const struct invocation *invocation, json_t **answer)
{
	const struct client_request request = { .endpoint = API_get_failover };
	char said[256] = "";
	json_t *next;
	int rc;

	failover_progress(invocation, *answer, said, sizeof(said));
	while (json_is_true(json_object_get(*answer, "on"))) {
		failover_sleep();
		rc = client_call(invocation, &request, &next);
		if (rc)
			return rc;
		json_decref(*answer);
		*answer = next;
		failover_progress(invocation, *answer, said, sizeof(said));
	}
	return LBCTL_OK;
}

int failover_move(const struct invocation *invocation, long timeout_ms, bool force, json_t **ret)
{
	int rc;

	*ret = NULL;
	rc = failover_begin(invocation, timeout_ms, force, ret);
	return rc ? rc : failover_follow(invocation, ret);
}

bool failover_moved(const json_t *answer)
{
	return !strcmp(failover_text(answer, "state"), "moved");
}
