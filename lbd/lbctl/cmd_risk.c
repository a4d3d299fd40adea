// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/risk_ask.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static json_int_t risk_number(const json_t *object, const char *path)
{
	return json_integer_value(table_value(object, path));
}

static void risk_print_verdict(const json_t *answer)
{
	const json_t *peer = json_object_get(answer, "peer");
	char breaking[TABLE_TEXT_MAX], all[TABLE_TEXT_MAX];

	table_count(json_object_get(answer, "breaking"), breaking);
	table_count(json_object_get(answer, "connections"), all);
	if (!json_is_true(json_object_get(answer, "active")))
		puts("This node isn't active: its death breaks nothing. Were it active now:");
	if (json_is_null(peer))
		printf("No peer: if this node died, all of its %s connections would be "
		       "interrupted, "
		       "and %s would go to other backends.\n",
		       all, breaking);
	else
		printf("If this node died now, %s of %s connections would break.\n", breaking, all);
}

static void risk_print_peer(const json_t *answer)
{
	const json_t *peer = json_object_get(answer, "peer");
	char cells[5][TABLE_TEXT_MAX];

	if (json_is_null(peer))
		return;
	printf("peer      %s, %s, last heard %s ago; it holds all but %s\n",
	       table_text(json_object_get(peer, "name"), NULL),
	       json_is_true(json_object_get(peer, "connected")) ? "connected" : "NOT CONNECTED",
	       table_ms(json_object_get(peer, "heard_ms_ago"), cells[0]),
	       table_count(json_object_get(answer, "unsynced"), cells[1]));
	printf("lag       p50 %s, p99 %s over the last minute; oldest change it may lack: %s\n",
	       table_us(json_object_get(peer, "lag_p50_us"), cells[2]),
	       table_us(json_object_get(peer, "lag_p99_us"), cells[3]),
	       risk_number(peer, "unsynced_ms")
		       ? table_ms(json_object_get(peer, "unsynced_ms"), cells[4])
		       : "none");
	printf("proof     its digests %s%s\n",
	       risk_number(peer, "agreed_ms_ago") < 0
		       ? "have not agreed with ours yet"
		       : table_ms(json_object_get(peer, "agreed_ms_ago"), cells[0]),
	       risk_number(peer, "agreed_ms_ago") < 0 ? "" : " ago agreed with ours");
}

static void risk_print(const json_t *answer)
{
	static const struct table_column services[] = {
		{ "SERVICE", "service", table_text, false },
		{ "CONNECTIONS", "connections", table_count, true },
		{ "UNSYNCED", "unsynced", table_count, true },
		{ "WOULD BREAK", "breaking", table_count, true },
		{ 0 },
	};
	static const struct table_column list[] = {
		{ "CLIENT", "client", table_text, false },
		{ "VIP", "vip", table_text, false },
		{ "SERVICE", "service", table_text, false },
		{ "PROTOCOL", "protocol", table_text, false },
		{ "BACKEND", "backend", table_text, false },
		{ "WOULD GO TO", "choice", table_text, false },
		{ 0 },
	};

	risk_print_verdict(answer);
	risk_print_peer(answer);
	table_print(stdout, services, json_object_get(answer, "services"), "no connections");
	if (json_array_size(json_object_get(answer, "list")))
		table_print(stdout, list, json_object_get(answer, "list"), "");
}

static int risk_run(const struct invocation *invocation)
{
	json_t *answer;
	int rc = risk_ask(invocation, command_value(invocation, "list"), &answer);

	if (rc)
		return rc;
	if (invocation->json)
		report_json(answer);
	else
		risk_print(answer);
	json_decref(answer);
	return LBCTL_OK;
}

static const struct command_option risk_options[] = {
	{ "list", "N", "name up to N of those that would break, up to 10000" },
	{ 0 },
};

static const struct command_example risk_examples[] = {
	{ "risk", "how many connections would a failover break" },
	{ "risk --list 100", "and which" },
	{ "risk --json | jq -e '.breaking == 0'", "for a script, before maintenance" },
	{ 0 },
};

const struct command cmd_risk = {
	.name = "risk",
	.arguments = "[--list N]",
	.summary = "which connections would break if this node died now",
	.details =
		"UNSYNCED: confirmed connections that the peer isn't known to hold, entry by "
		"entry: "
		"it hasn't acknowledged them since it was last started, or hasn't been told, or "
		"its digests have shown that it lacks them, as it had no room or doesn't know the "
		"backend; that takes a few seconds. Of several peers the one counts that holds "
		"most, and one that is connected before one that isn't.\n"
		"WOULD BREAK: those of them that the peer would send to another backend than the "
		"one they are on. It would choose by Maglev, as this node does for new "
		"connections; what its own memory of clients (sticky) says isn't known here.\n"
		"Connections that are closing, not confirmed or idle beyond their timeout don't "
		"count.",
	.options = risk_options,
	.examples = risk_examples,
	.run = risk_run,
};
