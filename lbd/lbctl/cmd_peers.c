// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

static void peers_print_refusals(const json_t *refusals)
{
	json_t *refusal;
	char count[TABLE_TEXT_MAX];
	size_t i;

	json_array_foreach(refusals, i, refusal)
		if (json_integer_value(json_object_get(refusal, "count")))
			printf("refused: %s %s\n",
			       table_count(json_object_get(refusal, "count"), count),
			       table_text(json_object_get(refusal, "sentence"), NULL));
}

static void peers_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "PEER", "name", table_text, false },
		{ "ADDRESS", "address", table_text, false },
		{ "ROLE", "role", table_text, false },
		{ "STATE", "state", table_text, false },
		{ "HAVE ITS TABLE", "received_all", table_yes, false },
		{ "LAST HEARD", "heard_ms_ago", table_ms, true },
		{ "ROUND TRIP", "rtt_us", table_us, true },
		{ "SENT", "sent_records", table_count, true },
		{ "PENDING BUCKETS", "pending_buckets", table_count, true },
		{ "RECEIVED", "received_records", table_count, true },
		{ "APPLIED", "applied", table_count, true },
		{ "UNKNOWN", "unknown", table_count, true },
		{ "RECONNECTS", "reconnects", table_count, true },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "peers"),
		    "no peers: this node is alone, a failover would break its connections");
	peers_print_refusals(json_object_get(answer, "refusals"));
}

static int peers_run(const struct invocation *invocation)
{
	return show_endpoint(invocation, API_get_peers, peers_print);
}

static const struct command_example peers_examples[] = {
	{ "peers", "is the other node in sync" },
	{ 0 },
};

const struct command cmd_peers = {
	.name = "peers",
	.arguments = "",
	.summary = "sync of the connection table with the other nodes",
	.details = "SENT, RECEIVED, APPLIED and UNKNOWN count connection records; UNKNOWN were of "
		   "services or backends that this node's config doesn't have.",
	.examples = peers_examples,
	.run = peers_run,
};
