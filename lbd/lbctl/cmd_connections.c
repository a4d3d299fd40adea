// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

/* "established", or "established, remote". */
static const char *connections_state(const json_t *row, char *buffer)
{
	snprintf(buffer, TABLE_TEXT_MAX, "%s%s", table_text(json_object_get(row, "state"), NULL),
		 json_is_true(json_object_get(row, "remote")) ? ", remote" : "");
	return buffer;
}

static void connections_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "CLIENT", "client", table_text, false },
		{ "VIP", "vip", table_text, false },
		{ "SERVICE", "service", table_text, false },
		{ "BACKEND", "backend", table_text, false },
		{ "ADDRESS", "backend_address", table_text, false },
		{ "PROTOCOL", "protocol", table_text, false },
		{ "STATE", "", connections_state, false },
		{ "IDLE", "age_ms", table_ms, true },
		{ 0 },
	};
	const json_t *rows = json_object_get(answer, "connections");
	const json_t *all = json_object_get(answer, "count");
	char count[TABLE_TEXT_MAX], shown[TABLE_TEXT_MAX];

	(void)invocation;
	if (json_array_size(rows))
		table_print(stdout, columns, rows, "");
	printf("%s connection%s, %s shown\n", table_count(all, count),
	       json_integer_value(all) == 1 ? "" : "s",
	       table_count(json_object_get(answer, "shown"), shown));
}

static int connections_run(const struct invocation *invocation)
{
	const struct client_parameter query[] = {
		{ "service", command_value(invocation, "service") },
		{ "client", command_value(invocation, "client") },
		{ "backend", command_value(invocation, "backend") },
		{ "state", command_value(invocation, "state") },
		{ "limit", command_value(invocation, "limit") },
		{ 0 },
	};
	const struct client_request request = { .endpoint = API_get_connections, .query = query };

	return show_answer(invocation, &request, connections_print);
}

static const struct command_option connections_options[] = {
	{ "service", "NAME", "only of this service" },
	{ "client", "ADDRESS", "only of this client address or prefix" },
	{ "backend", "NAME", "only to this backend, by name or address" },
	{ "state", "STATE", "only new, established, closing, expired or remote ones" },
	{ "limit", "N", "show at most N, up to 10000 (default: 20; 0: only count)" },
	{ 0 },
};

static const struct command_example connections_examples[] = {
	{ "connections --limit 0", "how many there are" },
	{ "connections --service web --backend web1", "who is on web1" },
	{ "connections --client 203.0.113.0/24", "those of one network" },
	{ 0 },
};

#define X(constant, name, what) " " name ": " what "."
const struct command cmd_connections = {
	.name = "connections",
	.arguments = "[OPTIONS]",
	.summary = "count the connections and show some",
	.details = "The count is of all that match, also on tables of millions. "
		   "States: " API_CONNECTION_STATES(X),
	.options = connections_options,
	.examples = connections_examples,
	.run = connections_run,
};
#undef X
