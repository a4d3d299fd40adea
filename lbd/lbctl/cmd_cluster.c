// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   look (cluster_facts.h) -> plan (cluster/plan.h) -> this node's own step, if nothing is
 *   against it -> look again, until it is another's turn or the package manager's
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/monotonic.h"
#include "lbctl/cluster_facts.h"
#include "lbctl/commands.h"
#include "lbctl/failover.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/show.h"
#include "lbctl/table.h"

#define CLUSTER_LOOK_MS 200

static void cluster_sleep(void)
{
	const struct timespec pause = { .tv_nsec = CLUSTER_LOOK_MS * 1000000L };

	nanosleep(&pause, NULL);
}

/* --- tell */

static json_t *cluster_text(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *cluster_nodes_json(const struct plan_facts *facts)
{
	json_t *list = json_array();

	json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", facts->name,
					      "role", plan_role_name(facts->role), "lbd",
					      cluster_text(facts->daemon), "packet_path",
					      cluster_text(facts->packet_path), "here", true));
	for (size_t i = 0; i < facts->peers_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:n, s:b}", "name",
						      facts->peers[i].name, "role",
						      plan_role_name(facts->peers[i].role), "lbd",
						      cluster_text(facts->peers[i].release),
						      "packet_path", "here", false));
	return list;
}

static json_t *cluster_checks_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->checks_count; i++)
		json_array_append_new(list, json_pack("{s:b, s:s}", "ok", plan->checks[i].ok,
						      "what", plan->checks[i].what));
	return list;
}

static json_t *cluster_json(const struct plan_facts *facts, const struct plan *plan)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:s}", "target", plan->target,
			 "step", plan_step_name(plan->step), "what", plan_step_what(plan->step),
			 "node", plan->where, "blocked", plan->blocked, "command",
			 cluster_text(plan->command), "checks", cluster_checks_json(plan), "nodes",
			 cluster_nodes_json(facts), "installed", facts->installed);
}

static void cluster_print_checks(const struct plan *plan)
{
	for (size_t i = 0; i < plan->checks_count; i++)
		printf("%-6s %s\n", plan->checks[i].ok ? "ok" : "NOT OK", plan->checks[i].what);
}

static void cluster_print_next(const struct plan *plan)
{
	if (plan->blocked)
		printf("Stop: what is not ok first, then again: lbctl cluster upgrade\n");
	else if (plan->step == PLAN_DONE)
		printf("Done: every node runs lbd %s\n", plan->target);
	else
		printf("Next, on %s: %s\n", plan->where, plan->command);
}

static void cluster_print(const struct plan_facts *facts, const struct plan *plan)
{
	static const struct table_column columns[] = {
		{ "NODE", "name", table_text, false },
		{ "ROLE", "role", table_text, false },
		{ "LBD", "lbd", table_text, false },
		{ "PACKET PATH", "packet_path", table_text, false },
		{ "THIS NODE", "here", table_yes, false },
		{ 0 },
	};
	json_t *nodes = cluster_nodes_json(facts);

	table_print(stdout, columns, nodes, "");
	json_decref(nodes);
	printf("target lbd %s; installed here: %s\n", plan->target, facts->installed);
	printf("step   %s: %s\n", plan->where, plan_step_what(plan->step));
	cluster_print_checks(plan);
	cluster_print_next(plan);
	fflush(stdout);
}

static void cluster_tell(const struct invocation *invocation, const struct plan_facts *facts,
			 const struct plan *plan)
{
	json_t *json;

	if (!invocation->json) {
		cluster_print(facts, plan);
		return;
	}
	json = cluster_json(facts, plan);
	report_json(json);
	json_decref(json);
}

/* --- do */

static void cluster_say(const struct invocation *invocation, const struct plan *plan)
{
	if (invocation->json)
		return;
	cluster_print_checks(plan);
	printf("step   %s: %s\n", plan->where, plan_step_what(plan->step));
	fflush(stdout);
}

static int cluster_swap(const struct invocation *invocation)
{
	const struct client_request request = { .endpoint = API_post_upgrade };
	json_t *answer;
	int rc = client_call(invocation, &request, &answer);

	if (rc)
		return rc;
	if (!invocation->json)
		show_generations(invocation, answer);
	json_decref(answer);
	return LBCTL_OK;
}

static int cluster_hand_over(const struct invocation *invocation, long timeout_ms)
{
	json_t *answer;
	int rc = failover_move(invocation, timeout_ms, false, &answer);

	if (!rc && !failover_moved(answer))
		rc = report_error(invocation, LBCTL_FAILED, "EAGAIN",
				  table_text(json_object_get(answer, "sentence"), NULL),
				  "lbctl risk shows what a failover would break now");
	json_decref(answer);
	return rc;
}

static bool cluster_is_own(const struct plan *plan)
{
	return plan->step == PLAN_PACKET_PATH || plan->step == PLAN_FAILOVER;
}

/* One look; both results are the caller's. */
static int cluster_look(const struct invocation *invocation, struct cluster_facts *facts,
			struct plan *plan)
{
	int rc = cluster_facts_ask(invocation, facts);

	if (!rc)
		plan_make(&facts->facts, command_value(invocation, "to"), plan);
	return rc;
}

/* Tables are proven about once a second, and a peer may be about to come back: look again. */
static int cluster_wait(const struct invocation *invocation, int64_t deadline_ms,
			struct cluster_facts *facts, struct plan *plan)
{
	int rc = cluster_look(invocation, facts, plan);

	while (!rc && plan->blocked && monotonic_ms() < deadline_ms) {
		cluster_facts_free(facts);
		cluster_sleep();
		rc = cluster_look(invocation, facts, plan);
	}
	return rc;
}

static int cluster_step(const struct invocation *invocation, const struct plan *plan,
			long timeout_ms)
{
	cluster_say(invocation, plan);
	return plan->step == PLAN_FAILOVER ? cluster_hand_over(invocation, timeout_ms)
					   : cluster_swap(invocation);
}

/* A swap to an installed object of another version, say, would be tried for ever. */
static int cluster_refuse_again(const struct invocation *invocation, const struct plan *plan)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "%s was done, and is due again: is what is installed really %s?",
		 plan_step_what(plan->step), plan->target);
	return report_error(invocation, LBCTL_FAILED, "EALREADY", text, "lbctl status");
}

/* Look and do what is this node's to do, until nothing is; the last look is told. */
static int cluster_go(const struct invocation *invocation, long timeout_ms, bool act)
{
	struct cluster_facts facts;
	struct plan plan;
	uint32_t taken = 0;
	int rc;

	for (;;) {
		rc = cluster_wait(invocation, monotonic_ms() + (act ? timeout_ms : 0), &facts,
				  &plan);
		if (rc || !act || plan.blocked || !cluster_is_own(&plan))
			break;
		cluster_facts_free(&facts);
		rc = taken >> plan.step & 1 ? cluster_refuse_again(invocation, &plan)
					    : cluster_step(invocation, &plan, timeout_ms);
		if (rc)
			return rc;
		taken |= 1U << plan.step;
	}
	if (!rc)
		cluster_tell(invocation, &facts.facts, &plan);
	cluster_facts_free(&facts);
	return rc || !plan.blocked ? rc : LBCTL_FAILED;
}

static int cluster_run(const struct invocation *invocation)
{
	const char *timeout = command_value(invocation, "timeout");
	long timeout_ms = timeout ? failover_duration(timeout) : API_FAILOVER_TIMEOUT_MS;

	if (strcmp(invocation->argv[0], "upgrade") != 0)
		return options_refuse(invocation->command, "cluster %s: expected \"upgrade\"",
				      invocation->argv[0]);
	if (timeout_ms < 0)
		return options_refuse(invocation->command,
				      "--timeout %s: expected a duration like 30s or 500ms",
				      timeout);
	return cluster_go(invocation, timeout_ms, !command_value(invocation, "check"));
}

static const char *const cluster_words[] = { "upgrade", NULL };

static const struct command_option cluster_options[] = {
	{ "check", NULL, "only say where the procedure stands, and do nothing" },
	{ "to", "VERSION", "the version to come to (default: the highest in the cluster)" },
	{ "timeout", "TIME", "how long to wait for sync and proof (default: 30s)" },
	{ 0 },
};

static const struct command_example cluster_examples[] = {
	{ "cluster upgrade --check", "which node runs what, and whose turn it is" },
	{ "cluster upgrade", "take this node's step, if nothing is against it" },
	{ "cluster upgrade --to 0.1.0", "the way back is the same" },
	{ 0 },
};

const struct command cmd_cluster = {
	.name = "cluster",
	.arguments = "upgrade [--check] [--to VERSION] [--timeout TIME]",
	.summary = "upgrade or downgrade all nodes, one after the other, with checks",
	.details =
		"Given on any node, as often as wanted: it looks at what the nodes run, says where "
		"the procedure stands and whose turn it is, and takes this node's step if that "
		"would hurt nothing; else it says why not, and the exit status is 1.\n"
		"Standbys come first, one at a time: the package manager installs the target, "
		"lbctl cluster upgrade swaps the packet path and waits until the node is in sync "
		"and proven again. On the active node, last, it hands the VIPs over as lbctl "
		"failover does, by proof; as a standby the node is then upgraded like the others.\n"
		"Nodes of different versions may stay together for as long as wanted. A downgrade "
		"is the same with --to.",
	.min = 1,
	.max = 1,
	.options = cluster_options,
	.examples = cluster_examples,
	.words = cluster_words,
	.run = cluster_run,
};
