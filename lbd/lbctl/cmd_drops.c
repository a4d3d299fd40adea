// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>

#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void drops_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "AGO", "ms_ago", table_ms, true },
		{ "FROM", "source", table_text, false },
		{ "TO", "destination", table_text, false },
		{ "PROTOCOL", "protocol", table_text, false },
		{ "BYTES", "length", table_count, true },
		{ "SERVICE", "service", table_text, false },
		{ "WHAT HAPPENED", "sentence", table_text, false },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "drops"),
		    "none kept: guard.sample in the config says how many are");
}

/* --- --follow */

#define DROPS_POLL_MS 500
#define DROPS_LINE "%-12s  %-24s  %-24s  %-8s  %6s  %-16s  %s\n"

/* What was told so far: the number of the last drop. */
struct drops_told {
	json_int_t last;
	bool known;
};

/* When it was dropped, by the clock on the wall. */
static const char *drops_time(const json_t *ms_ago, char *buffer)
{
	struct timespec now;
	struct tm broken;
	int64_t ms;
	time_t when;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000 - json_integer_value(ms_ago);
	when = ms / 1000;
	if (!localtime_r(&when, &broken))
		return "-";
	snprintf(buffer, TABLE_TEXT_MAX, "%02d:%02d:%02d.%03d", broken.tm_hour, broken.tm_min,
		 broken.tm_sec, (int)(ms % 1000));
	return buffer;
}

static void drops_print_line(const json_t *drop)
{
	char time[TABLE_TEXT_MAX], length[TABLE_TEXT_MAX];

	printf(DROPS_LINE, drops_time(json_object_get(drop, "ms_ago"), time),
	       table_text(json_object_get(drop, "source"), NULL),
	       table_text(json_object_get(drop, "destination"), NULL),
	       table_text(json_object_get(drop, "protocol"), NULL),
	       table_count(json_object_get(drop, "length"), length),
	       table_text(json_object_get(drop, "service"), NULL),
	       table_text(json_object_get(drop, "sentence"), NULL));
}

static void drops_print_json(const json_t *drop)
{
	json_dumpf(drop, stdout, JSON_COMPACT);
	putchar('\n');
}

/* How many of @drops, the newest first, are new; and what was written over before it was seen. */
static size_t drops_count_new(const struct drops_told *told, const json_t *drops, json_int_t kept)
{
	size_t count = 0;

	while (count < json_array_size(drops) &&
	       json_integer_value(json_object_get(json_array_get(drops, count), "number")) >
		       told->last)
		count++;
	if (kept - told->last > (json_int_t)count)
		fprintf(stderr, "lbctl: %lld more were kept, and written over since\n",
			(long long)(kept - told->last - (json_int_t)count));
	return count;
}

/* Oldest first. What was kept before the command began isn't news; after --detach numbers begin anew. */
static void drops_tell_new(const struct invocation *invocation, const json_t *answer,
			   struct drops_told *told)
{
	const json_int_t kept = json_integer_value(json_object_get(answer, "kept"));
	const json_t *drops = json_object_get(answer, "drops");
	size_t count;

	if (!told->known || kept < told->last)
		told->last = told->known ? 0 : kept;
	told->known = true;
	count = drops_count_new(told, drops, kept);
	while (count--)
		(invocation->json ? drops_print_json
				  : drops_print_line)(json_array_get(drops, count));
	told->last = kept;
	fflush(stdout);
}

/* Until a signal ends it, or the daemon doesn't answer. */
static int drops_follow(const struct invocation *invocation)
{
	const struct client_request request = { .endpoint = API_get_drops };
	const struct timespec pause = { .tv_nsec = DROPS_POLL_MS * 1000000L };
	struct drops_told told = { 0 };

	if (!invocation->json)
		printf(DROPS_LINE, "TIME", "FROM", "TO", "PROTOCOL", "BYTES", "SERVICE",
		       "WHAT HAPPENED");
	while (!ferror(stdout)) {
		json_t *answer;
		int rc = client_call(invocation, &request, &answer);

		if (rc)
			return rc;
		drops_tell_new(invocation, answer, &told);
		json_decref(answer);
		nanosleep(&pause, NULL);
	}
	return LBCTL_OK;
}

static int drops_run(const struct invocation *invocation)
{
	if (command_value(invocation, "follow"))
		return drops_follow(invocation);
	return show_endpoint(invocation, API_get_drops, drops_print);
}

static const struct command_option drops_options[] = {
	{ "follow", NULL, "print what is dropped from now on, as it is kept, until interrupted" },
	{ 0 },
};

static const struct command_example drops_examples[] = {
	{ "drops", "who sends what is being dropped, the latest first" },
	{ "drops --json", "the same with the first bytes of each frame" },
	{ "drops --follow", "what is dropped from now on, the oldest first" },
	{ "drops --follow --json", "the same, an object a line" },
	{ 0 },
};

const struct command cmd_drops = {
	.name = "drops",
	.arguments = "[OPTIONS]",
	.summary = "some of the dropped packets, and why",
	.details =
		"With guard.sample in the config, one in so many dropped packets of each kind is "
		"kept, the first one included; the last 512 are shown. They stand in a pinned "
		"map: restarts and upgrades keep them.\n"
		"With --follow they are looked for twice a second, and printed oldest first; if "
		"more "
		"than 512 are kept in that time, how many were missed is said on standard error.",
	.options = drops_options,
	.examples = drops_examples,
	.run = drops_run,
};
