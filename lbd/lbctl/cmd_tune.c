// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "lbctl/commands.h"
#include "lbctl/report.h"
#include "tune/tune.h"

/* What one call does, over all its interfaces. */
struct tune_session {
	const struct invocation *invocation;
	bool apply;
	bool settled; /* so far */
	json_t *list; /* with --json */
};

static const char *tune_verdict_name(const struct tune_line *line)
{
	static const char *const names[] = {
		[TUNE_OK] = "ok",
		[TUNE_CHANGE] = "change",
		[TUNE_BY_HAND] = "by hand",
	};

	if (line->result == TUNE_NOT_TRIED)
		return names[line->verdict];
	return line->result == TUNE_DONE ? "done" : "refused";
}

static void tune_print_line(const struct tune_line *line)
{
	printf("  %-8s%-13s%s", tune_verdict_name(line), tune_what_name(line->what), line->now);
	if (line->wanted[0])
		printf(" -> %s", line->wanted);
	printf(": %s%s%s\n", line->why, line->result == TUNE_REFUSED ? "; refused, " : "",
	       line->refusal);
}

static void tune_print(const struct tune_reading *reading, const struct tune_line *lines)
{
	printf("%s: driver %s, XDP %s, %u CPUs\n", reading->interface,
	       reading->driver[0] ? reading->driver : "unknown", tune_xdp_name(reading->xdp),
	       reading->cpus);
	for (int what = 0; what < TUNE_WHAT_COUNT; what++)
		tune_print_line(&lines[what]);
}

static json_t *tune_line_json(const struct tune_line *line)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s?}", "what", tune_what_name(line->what),
			 "verdict", tune_verdict_name(line), "now", line->now, "wanted",
			 line->wanted[0] ? line->wanted : NULL, "why", line->why, "refusal",
			 line->refusal[0] ? line->refusal : NULL);
}

static json_t *tune_json(const struct tune_reading *reading, const struct tune_line *lines)
{
	json_t *list = json_array();

	for (int what = 0; what < TUNE_WHAT_COUNT; what++)
		json_array_append_new(list, tune_line_json(&lines[what]));
	return json_pack("{s:s, s:s?, s:s, s:i, s:o}", "interface", reading->interface, "driver",
			 reading->driver[0] ? reading->driver : NULL, "xdp",
			 tune_xdp_name(reading->xdp), "cpus", (int)reading->cpus, "lines", list);
}

static int tune_one(struct tune_session *session, const char *interface)
{
	struct tune_line lines[TUNE_WHAT_COUNT];
	struct tune_reading reading;
	char message[128];
	int rc = tune_interface(interface, session->apply, &reading, lines);

	if (rc) {
		snprintf(message, sizeof(message), "interface %s: %s", interface, strerror(-rc));
		return report_error(session->invocation, LBCTL_FAILED, strerrorname_np(-rc),
				    message, "see which there are: ip -br link");
	}
	for (int what = 0; what < TUNE_WHAT_COUNT; what++)
		session->settled = session->settled && tune_line_settled(&lines[what]);
	if (session->invocation->json)
		json_array_append_new(session->list, tune_json(&reading, lines));
	else
		tune_print(&reading, lines);
	return LBCTL_OK;
}

static int tune_all(struct tune_session *session, char **interfaces, uint32_t count)
{
	json_t *json;
	int rc = LBCTL_OK;

	for (uint32_t i = 0; i < count && !rc; i++)
		rc = tune_one(session, interfaces[i]);
	if (rc)
		return rc;
	if (session->invocation->json) {
		json = json_pack("{s:b, s:O}", "ok", session->settled, "interfaces", session->list);
		report_json(json);
		json_decref(json);
	}
	return session->settled ? LBCTL_OK : LBCTL_FAILED;
}

static int tune_configured(struct tune_session *session)
{
	const char *path = command_value(session->invocation, "config");
	struct config *config = NULL;
	struct error err = { 0 };
	int rc;

	rc = config_load(path ? path : API_CONFIG_DEFAULT, &config, &err);
	if (rc)
		return report_error(session->invocation, LBCTL_CONFIG, strerrorname_np(-rc),
				    err.text, "name the interfaces: lbctl tune eth0");
	rc = tune_all(session, config->xdp.interfaces, config->xdp.interfaces_count);
	config_free(config);
	return rc;
}

static int tune_run(const struct invocation *invocation)
{
	struct tune_session session = {
		.invocation = invocation,
		.apply = command_value(invocation, "apply"),
		.settled = true,
		.list = json_array(),
	};
	int rc;

	if (invocation->argc)
		rc = tune_all(&session, invocation->argv, (uint32_t)invocation->argc);
	else
		rc = tune_configured(&session);
	json_decref(session.list);
	return rc;
}

static const struct command_option tune_options[] = {
	{ "apply", NULL, "set what is to change (as root)" },
	{ "config", "FILE", "take the interfaces from this config" },
	{ 0 },
};

static const struct command_example tune_examples[] = {
	{ "tune", "what stands in the way of XDP on the configured interfaces" },
	{ "tune eth0 --apply", "set it; a second time there is nothing left to do" },
	{ 0 },
};

const struct command cmd_tune = {
	.name = "tune",
	.arguments = "[INTERFACE...]",
	.summary = "judge and set queues, rings, IRQs and offloads of interfaces for XDP",
	.details = "Needs no daemon: the interfaces come from the config (" API_CONFIG_DEFAULT
		   ") or the arguments. Each line says ok, or what to change and why; 'by hand' is "
		   "what "
		   "--apply leaves to you. With --apply: done, or refused and why. New queues and "
		   "rings "
		   "take the link of most network cards down for a moment, and nothing set here "
		   "survives a reboot. Exit code 0: all is ok, or was made so; 1: something is "
		   "left to "
		   "change.",
	.max = 64,
	.options = tune_options,
	.examples = tune_examples,
	.run = tune_run,
};
