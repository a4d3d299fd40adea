// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

#define RESIZE_CONNECTIONS "connections" /* both families' */

static const char *const resize_limits[] = {
	RESIZE_CONNECTIONS, "connections-ipv4", "connections-ipv6", "nat-ipv4",
	"nat-ipv6",	    "sticky",		"services",	    "backends",
	"maglev",	    "prefixes",		"sources",	    NULL
};

/* "4M" is 4194304. */
static int resize_number(const struct invocation *invocation, const char *text, json_int_t *ret)
{
	static const char suffixes[] = "KMG";
	char *end;
	const long long number = strtoll(text, &end, 10);
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;
	const int shift = suffix ? 10 * (int)(suffix - suffixes + 1) : 0;

	if (end == text || number < 1 || number > UINT32_MAX || end[suffix ? 1 : 0])
		return options_refuse(invocation->command,
				      "%s: expected a number, as 65536, 64K or 4M", text);
	*ret = (json_int_t)number << shift;
	return LBCTL_OK;
}

static int resize_add(const struct invocation *invocation, const char *name, const char *size,
		      json_t *limits)
{
	const char *nearest;
	json_int_t number = 0;
	size_t i = 0;
	int rc;

	while (resize_limits[i] && strcmp(resize_limits[i], name) != 0)
		i++;
	if (!resize_limits[i]) {
		nearest = nearest_find(name, resize_limits);
		return options_refuse(invocation->command, "unknown limit %s%s%s", name,
				      nearest ? ", did you mean " : "", nearest ? nearest : "");
	}
	rc = resize_number(invocation, size, &number);
	if (rc)
		return rc;
	if (strcmp(name, RESIZE_CONNECTIONS) != 0)
		return json_object_set_new(limits, name, json_integer(number));
	json_object_set_new(limits, "connections-ipv4", json_integer(number));
	return json_object_set_new(limits, "connections-ipv6", json_integer(number));
}

static long long resize_value(const json_t *answer, const char *path)
{
	return (long long)json_integer_value(table_value(answer, path));
}

static void resize_print_changes(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "changes"), *change;
	char from[TABLE_TEXT_MAX], to[TABLE_TEXT_MAX];
	size_t i;

	json_array_foreach(list, i, change)
		printf("%-18s%s slots -> %s\n", table_text(table_value(change, "limit"), NULL),
		       table_count(table_value(change, "from"), from),
		       table_count(table_value(change, "to"), to));
}

static void resize_print(const struct invocation *invocation, const json_t *answer)
{
	const bool check = command_value(invocation, "check") != NULL;
	char cells[5][TABLE_TEXT_MAX];

	resize_print_changes(answer);
	printf("memory            %s, before %s; %s more until the old maps go, %s available\n",
	       table_bytes(table_value(answer, "memory.after"), cells[0]),
	       table_bytes(table_value(answer, "memory.before"), cells[1]),
	       table_bytes(table_value(answer, "memory.needed"), cells[2]),
	       table_bytes(table_value(answer, "memory.available"), cells[3]));
	printf("connections       %s; %s: %lld live, %lld idle; clients of sticky services: %lld\n",
	       table_count(table_value(answer, "connections"), cells[4]),
	       check ? "would find no room" : "found no room",
	       resize_value(answer, "left_out.live"), resize_value(answer, "left_out.idle"),
	       resize_value(answer, "left_out.clients"));
	if (check)
		return;
	printf("took              %lld ms of copying, then %.1f ms without sync; "
	       "the API waited for %.1f ms\n",
	       resize_value(answer, "copy_ms"), (double)resize_value(answer, "pause_us") / 1000,
	       (double)resize_value(answer, "hold_us") / 1000);
	puts("It stands until the next reload: put it into the config file to keep it.");
}

static int resize_run(const struct invocation *invocation)
{
	json_t *limits = json_object(), *body;
	struct client_request request = { .endpoint = API_post_resize };
	int rc = LBCTL_OK;

	if (invocation->argc % 2)
		rc = options_refuse(invocation->command, "%s: its size is missing",
				    invocation->argv[invocation->argc - 1]);
	for (int i = 0; i + 1 < invocation->argc && !rc; i += 2)
		rc = resize_add(invocation, invocation->argv[i], invocation->argv[i + 1], limits);
	body = json_pack("{s:o, s:b, s:b}", "limits", limits, "check",
			 command_value(invocation, "check") != NULL, "evict",
			 command_value(invocation, "evict") != NULL);
	request.body = body;
	if (!rc)
		rc = show_answer(invocation, &request, resize_print);
	json_decref(body);
	return rc;
}

static const struct command_option resize_options[] = {
	{ "check", NULL, "change nothing: what it would take, and whom it would leave out" },
	{ "evict", NULL, "even if live connections find no room, which breaks them" },
	{ 0 },
};

static const struct command_example resize_examples[] = {
	{ "resize connections 4M --check", "is there the memory for 4,194,304 slots a family" },
	{ "resize connections-ipv4 4M", "make the IPv4 table larger, or smaller" },
	{ "resize services 256 backends 4K", "more room for services and backends" },
	{ 0 },
};

const struct command cmd_resize = {
	.name = "resize",
	.arguments = "LIMIT SIZE [LIMIT SIZE]...",
	.summary = "move the tables to other limits now, while packets flow",
	.details = "LIMIT is a key of limits in lbd.yaml(5), or connections for both "
		   "connections-ipv4 and connections-ipv6. SIZE takes K, M and G.\n"
		   "New tables are filled beside those that serve, then one step puts them in "
		   "their place: no packet is lost, and no connection moves. A table that is too "
		   "small for its live connections is refused without --evict, which leaves out "
		   "those that were idle for longest. Until the end there is memory for both.\n"
		   "It stands until the next reload, which reads the config file again: what shall "
		   "stay belongs into the file. A reload or restart with other limits in the file "
		   "does the same.",
	.min = 2,
	.max = 32,
	.options = resize_options,
	.examples = resize_examples,
	.words = resize_limits,
	.run = resize_run,
};
