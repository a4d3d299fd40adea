// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

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

static void peers_print_gate(const json_t *gate)
{
	printf("gate %s: %s\n", json_is_true(json_object_get(gate, "open")) ? "open" : "closed",
	       table_text(json_object_get(gate, "reason"), NULL));
}

/* When was it last shown that one holds what the other has? */
static const char *peers_proof(const json_t *proof, char *buffer)
{
	const json_t *agreed = json_object_get(proof, "agreed_ms_ago");
	json_int_t differing = json_integer_value(json_object_get(proof, "differing"));
	char ago[TABLE_TEXT_MAX];

	if (json_integer_value(json_object_get(proof, "passes")) == 0)
		return "-";
	if (differing > 0)
		snprintf(buffer, TABLE_TEXT_MAX, "differs in %lld regions", (long long)differing);
	else if (json_integer_value(agreed) < 0)
		return "never";
	else
		snprintf(buffer, TABLE_TEXT_MAX, "%s ago", table_ms(agreed, ago));
	return buffer;
}

static void peers_print_kept(const json_t *kept)
{
	char held[TABLE_TEXT_MAX], given_up[TABLE_TEXT_MAX];

	if (!json_integer_value(json_object_get(kept, "kept")))
		return;
	printf("kept aside: %s records of services or backends that aren't configured here, %s "
	       "given up\n",
	       table_count(json_object_get(kept, "held"), held),
	       table_count(json_object_get(kept, "given_up"), given_up));
}

/* What counts from 1 on. */
static void peers_print_troubles(const json_t *peers)
{
	static const struct {
		const char *key, *sentence;
	} troubles[] = {
		{ "full", "records that found no slot here, where four a connection have room for "
			  "all (lbctl resize)" },
		{ "silences", "times that it was taken for dead, as nothing was heard" },
	};
	char count[TABLE_TEXT_MAX];
	json_t *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
		for (size_t t = 0; t < sizeof(troubles) / sizeof(*troubles); t++)
			if (json_integer_value(json_object_get(peer, troubles[t].key)))
				printf("%s: %s: %s\n",
				       table_text(json_object_get(peer, "name"), NULL),
				       troubles[t].sentence,
				       table_count(json_object_get(peer, troubles[t].key), count));
}

static void peers_print(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "PEER", "name", table_text, false },
		{ "ADDRESS", "address", table_text, false },
		{ "LBD", "lbd", table_text, false },
		{ "ROLE", "role", table_text, false },
		{ "TERM", "term", table_count, true },
		{ "STATE", "state", table_text, false },
		{ "HAVE ITS TABLE", "received_all", table_yes, false },
		{ "PROVEN HERE", "holds", peers_proof, false },
		{ "PROVEN THERE", "held", peers_proof, false },
		{ "LAST HEARD", "heard_ms_ago", table_ms, true },
		{ "ROUND TRIP", "rtt_us", table_us, true },
		{ "SENT", "sent_records", table_count, true },
		{ "PENDING BUCKETS", "pending_buckets", table_count, true },
		{ "LAG P99", "lag_p99_us", table_us, true },
		{ "UNSYNCED FOR", "unsynced_ms", table_ms, true },
		{ "RECEIVED", "received_records", table_count, true },
		{ "APPLIED", "applied", table_count, true },
		{ "UNKNOWN", "unknown", table_count, true },
		{ "RECONNECTS", "reconnects", table_count, true },
		{ "WHOLE TABLES", "resyncs", table_count, true },
		{ 0 },
	};
	const char *fault = json_string_value(json_object_get(answer, "fault"));

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "peers"),
		    fault ? fault
			  : "no peers: this node is alone, a failover would break its "
			    "connections");
	peers_print_troubles(json_object_get(answer, "peers"));
	peers_print_gate(json_object_get(answer, "gate"));
	if (strcmp(table_text(json_object_get(answer, "security"), NULL), "plaintext") == 0 &&
	    json_array_size(json_object_get(answer, "peers")))
		puts("not encrypted: cluster.security is plaintext");
	peers_print_kept(json_object_get(answer, "kept"));
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
	.details = "LBD: the version that the peer runs; others than this node's may stay for as "
		   "long as wanted. TERM counts takeovers: of what two nodes say of a connection "
		   "the higher one's "
		   "stands (0: none yet). SENT, RECEIVED, APPLIED and UNKNOWN count connection "
		   "records; UNKNOWN were of services or backends that this node's config "
		   "doesn't have: they are kept aside, and entered when it has. PROVEN HERE: when "
		   "digests last showed that this node holds every connection that the peer "
		   "has; PROVEN THERE: the other way round, as the peer says. Digests go out "
		   "once a second, but not from a standby to the active node. A difference is "
		   "repaired; --json counts and dates both. LAG P99: within this time 99 of 100 "
		   "changes of the last minute stood in the peer's table. UNSYNCED FOR: the age of "
		   "the oldest change that it isn't known to have.",
	.examples = peers_examples,
	.run = peers_run,
};
