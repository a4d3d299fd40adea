// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/preflight_show.h"
#include "lbctl/show.h"
#include "lbctl/table.h"
#include "lbctl/upgrade_daemon.h"
#include "lbd/maps.h"

static int upgrade_object(const struct invocation *invocation, json_t *body)
{
	char *path;
	int rc = client_path(invocation, invocation->argv[0], &path);

	if (rc)
		return rc;
	json_object_set_new(body, "object", json_string(path));
	free(path);
	return LBCTL_OK;
}

/* "5%", "5" or "0.25%", as ten-thousandths. */
static int upgrade_share(const struct invocation *invocation, const char *text, json_t *body)
{
	char *end;
	double share = strtod(text, &end) * LBD_SPLIT_WHOLE / 100;

	end += *end == '%';
	if (end == text || *end || !(share >= 1 && share <= LBD_SPLIT_WHOLE))
		return options_refuse(invocation->command,
				      "--canary %s: expected a share, 0.01%% to 100%%", text);
	json_object_set_new(body, "share", json_integer((json_int_t)(share + 0.5)));
	return LBCTL_OK;
}

static int upgrade_canary(const struct invocation *invocation, json_t *body)
{
	const char *share = command_value(invocation, "canary"), *name;
	json_t *services;

	if (!share && command_value(invocation, "service"))
		return options_refuse(invocation->command, "--service goes with --canary only");
	if (!share)
		return LBCTL_OK;
	services = json_array();
	for (int n = 0; (name = command_value_at(invocation, "service", n)); n++)
		json_array_append_new(services, json_string(name));
	if (json_array_size(services))
		json_object_set(body, "services", services);
	json_decref(services);
	return upgrade_share(invocation, share, body);
}

/* --promote or --abort: nothing else goes with them. */
static int upgrade_action(const struct invocation *invocation, json_t *body)
{
	static const char *const actions[] = { "promote", "abort", NULL };

	for (const char *const *action = actions; *action; action++) {
		if (!command_value(invocation, *action))
			continue;
		if (invocation->argc || invocation->given_count > 1)
			return options_refuse(invocation->command, "--%s goes alone", *action);
		json_object_set_new(body, "action", json_string(*action));
	}
	return LBCTL_OK;
}

static int upgrade_judge(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "taken")) ? LBCTL_OK : LBCTL_FAILED;
}

static int upgrade_check(const struct invocation *invocation, const json_t *body)
{
	const struct client_request request = { .endpoint = API_post_preflight, .body = body };

	return show_judged(invocation, &request, preflight_show, upgrade_judge);
}

static int upgrade_ask(const struct invocation *invocation, json_t *body)
{
	const struct client_request request = { .endpoint = API_post_upgrade, .body = body };

	if (command_value(invocation, "check") && json_object_get(body, "share"))
		return options_refuse(invocation->command, "--check goes without --canary");
	if (command_value(invocation, "check"))
		return upgrade_check(invocation, body);
	if (command_value(invocation, "force"))
		json_object_set_new(body, "force", json_true());
	return show_answer(invocation, &request, show_generations);
}

static void upgrade_print_past(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "ENDED", "at", table_time, false },
		{ "KIND", "kind", table_text, false },
		{ "SHARE", "share", table_share, true },
		{ "RESULT", "result", table_text, false },
		{ "PACKETS", "packets", table_count, true },
		{ "HARMED", "harmed", table_count, true },
		{ "OBJECT", "object", table_text, false },
		{ "WHY", "why", table_text, false },
		{ "EVIDENCE", "evidence", table_text, false },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "upgrades"), "no upgrade so far");
}

static int upgrade_past(const struct invocation *invocation)
{
	if (invocation->argc || invocation->given_count > 1)
		return options_refuse(invocation->command, "--history goes alone");
	return show_endpoint(invocation, API_get_upgrades, upgrade_print_past);
}

static int upgrade_run(const struct invocation *invocation)
{
	json_t *body;
	int rc;

	if (command_value(invocation, "history"))
		return upgrade_past(invocation);
	if (command_value(invocation, "daemon"))
		return upgrade_daemon(invocation);
	body = json_object();
	rc = upgrade_action(invocation, body);
	if (!rc)
		rc = upgrade_canary(invocation, body);
	if (!rc && invocation->argc)
		rc = upgrade_object(invocation, body);
	if (!rc)
		rc = upgrade_ask(invocation, body);
	json_decref(body);
	return rc;
}

static const struct command_option upgrade_options[] = {
	{ "check", NULL, "only say what an upgrade would find; nothing is swapped" },
	{ "force", NULL, "though packets fare otherwise than they do now" },
	{ "canary", "SHARE", "give it this share of the flows, as 5%, and compare" },
	{ "service", "NAME", "of this service alone; may be given again" },
	{ "promote", NULL, "take what is on trial" },
	{ "abort", NULL, "go back from what is on trial" },
	{ "history", NULL, "what came of upgrades, canaries and rollbacks, newest first" },
	{ "daemon", NULL, "the daemon, not the packet path: the installed lbd takes over" },
	{ 0 },
};

static const struct command_example upgrade_examples[] = {
	{ "upgrade", "load the installed packet path again" },
	{ "upgrade --check /tmp/lb.bpf.o", "would another one be taken, and what would it change" },
	{ "upgrade /tmp/lb.bpf.o", "try it; lbctl rollback goes back" },
	{ "upgrade --check --json | jq -e .taken", "for a script" },
	{ "upgrade --canary 5%", "let one flow in twenty try it first" },
	{ "upgrade --canary 50% --service web --service dns", "half the flows of two services" },
	{ "upgrade --promote", "take it without waiting any longer" },
	{ "upgrade --history", "which were kept, which went back, and why" },
	{ "upgrade --daemon", "after a new package, which does so by itself" },
	{ 0 },
};

const struct command cmd_upgrade = {
	.name = "upgrade",
	.arguments = "[--check | [--force] [--canary SHARE [--service NAME]...]] [OBJECT] | "
		     "--promote | --abort | --history",
	.summary = "load a new packet path, try it with test packets, swap to it",
	.details =
		"No packet is lost: the swap is one step over the same tables. If the new one is "
		"refused or fails its test packets, the running one runs on.\n"
		"Tried are: its maps, against those that are pinned; golden packets, which any "
		"packet path must get right, on tables of their own; a replay: packets of live "
		"connections, ICMP errors about them and fragments of them, packets of new clients "
		"of each service and those that were dropped and kept, "
		"through copies of the running and the new one that write nothing, and both must "
		"do the same; the same on maps apart, by programs that write and don't know that "
		"they are watched; the verifier. With --check nothing is swapped, and the exit "
		"status "
		"is 1 if it would be refused.\n"
		"A new version may be meant to treat some packet otherwise: --force overrules the "
		"replay, and nothing else. It is logged.\n"
		"The swap is watched for a time (upgrade.watch in lbd.yaml): if lbd dies "
		"meanwhile, the old one runs again within seconds, by itself. With --canary the "
		"old one runs on, and the new one gets a share of the flows for "
		"upgrade.canary-time; each flow stays on its side. Fragments, ICMP, and all that "
		"isn't TCP or UDP stay with the old one. Another upgrade or a rollback is refused "
		"meanwhile.\n"
		"What either makes of its packets is compared: how many are dropped, find no "
		"backend or no way on, are left to the kernel, miss the connection table, or get "
		"no outcome at all. A canary is compared with the old one at the same time. A "
		"swap is compared with what the old one did before, and if it seems worse, half "
		"of the flows go back for the rest of its time, so that a load that changes by "
		"itself isn't held against it. Found worse beside the old one, both get other "
		"flows, and if both rounds together say so, it goes back at once; the log and "
		"--history have the figures. A swap that is in doubt when something else needs "
		"its place (another upgrade, a config of another shape, lbctl resize, another "
		"lbd) goes back too. A canary "
		"that saw too few packets to tell isn't kept. Each service is compared by itself "
		"too: how much of what came for it none of its backends got, whatever was said of "
		"it; so a small service that is harmed beside a large one is found, and named. "
		"Fragments and ICMP aren't in that. A packet path that sends packets to another "
		"backend of the same service isn't found so, but by the replay before the swap.\n"
		"With --daemon the running lbd starts the installed one, which takes over once it "
		"is ready: health checks, sync and the gate go on, and who asks the API meanwhile "
		"waits some milliseconds. If the new one fails, the old one serves on.",
	.max = 1,
	.options = upgrade_options,
	.examples = upgrade_examples,
	.run = upgrade_run,
};
