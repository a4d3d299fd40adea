// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/trace_show.h"

#include <stdio.h>
#include <string.h>

#include "base/outcome.h"
#include "lbctl/table.h"

#define TRACE_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(17))

bool trace_show_start(struct trace_show *show, const struct invocation *invocation)
{
	*show = (struct trace_show){
		.json = invocation->json,
		.capture = command_value(invocation, "pcap"),
		.written = command_value(invocation, "write"),
		.actions = json_object(),
		.outcomes = json_object(),
	};
	return show->actions && show->outcomes;
}

static const char *trace_text(const json_t *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(answer, key));

	return text ? text : "-";
}

static void trace_count(json_t *counts, const char *name)
{
	json_int_t count = json_integer_value(json_object_get(counts, name));

	json_object_set_new(counts, name, json_integer(count + 1));
}

static bool trace_is_sent(const json_t *answer)
{
	return json_is_string(json_object_get(answer, "out"));
}

/* --- for programs */

static double trace_seconds(int64_t ns)
{
	return (double)(ns / 1000) / 1e6;
}

static void trace_show_json(const struct trace_show *show, const struct tracer_packet *packet,
			    const json_t *answer)
{
	static const char *const keys[] = { "action",  "outcome", "kind",	   "sentence",
					    "service", "backend", "out_interface", "out" };
	json_t *line =
		json_pack("{s:I, s:f, s:I}", "number", (json_int_t)packet->number, "time",
			  trace_seconds(packet->time_ns), "length", (json_int_t)packet->length);

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(answer, keys[i]);

		json_object_set_new(line, keys[i], value ? json_incref(value) : json_null());
	}
	json_object_set_new(line, "note",
			    packet->note[0] ? json_string(packet->note) : json_null());
	fputs(show->packets ? ",\n" : "\n", stdout);
	json_dumpf(line, stdout, TRACE_JSON_FLAGS);
	json_decref(line);
}

static void trace_head_json(const struct trace_show *show)
{
	json_t *path = json_string(show->capture);

	fputs("{\"capture\":", stdout);
	json_dumpf(path ? path : json_null(), stdout, JSON_ENCODE_ANY);
	fputs(",\"packets\":[", stdout);
	json_decref(path);
}

static void trace_finish_json(const struct trace_show *show, bool complete)
{
	json_t *summary =
		json_pack("{s:I, s:I, s:I, s:O, s:O}", "packets", (json_int_t)show->packets, "run",
			  (json_int_t)show->run, "sent", (json_int_t)show->sent, "actions",
			  show->actions, "outcomes", show->outcomes);

	if (!show->packets)
		trace_head_json(show);
	fputs("\n],\"summary\":", stdout);
	json_dumpf(summary, stdout, JSON_COMPACT);
	printf(",\"complete\":%s}\n", complete ? "true" : "false");
	json_decref(summary);
}

/* --- for people */

static void trace_head_text(void)
{
	puts("PACKET         TIME  LENGTH  ACTION    SERVICE          BACKEND          "
	     "   OUT  OUTCOME");
}

static void trace_show_text(const struct trace_show *show, const struct tracer_packet *packet,
			    const json_t *answer)
{
	const char *out = json_string_value(json_object_get(answer, "out"));
	char size[24] = "-";

	if (out)
		snprintf(size, sizeof(size), "%zu", strlen(out) / 2);
	printf("%6llu %12.6f  %6u  %-8s  %-15s  %-15s  %5s  ", (unsigned long long)packet->number,
	       (double)(packet->time_ns - show->first_ns) / 1e9, packet->length,
	       trace_text(answer, "action"), trace_text(answer, "service"),
	       trace_text(answer, "backend"), size);
	if (answer)
		printf("%s: %s", trace_text(answer, "outcome"), trace_text(answer, "sentence"));
	if (packet->note[0])
		printf("%s%s", answer ? "; " : "", packet->note);
	putchar('\n');
}

static void trace_finish_text(const struct trace_show *show, bool complete)
{
	const json_t *count;
	const char *name;

	printf("\n%llu packets%s", (unsigned long long)show->packets,
	       complete ? "" : ", then the trace failed");
	json_object_foreach(show->actions, name, count)
		printf(", %lld %s", (long long)json_integer_value(count), name);
	if (show->packets > show->run)
		printf(", %llu not run", (unsigned long long)(show->packets - show->run));
	putchar('\n');
	for (size_t i = 0; i < LBD_OUTCOME_COUNT; i++) {
		count = json_object_get(show->outcomes, outcomes[i].name);
		if (count)
			printf("%10lld  %-20s  %s\n", (long long)json_integer_value(count),
			       outcomes[i].name, outcomes[i].sentence);
	}
	if (show->written)
		printf("%llu packets out written to %s\n", (unsigned long long)show->sent,
		       show->written);
}

/* --- both */

void trace_show_packet(struct trace_show *show, const struct tracer_packet *packet, json_t *answer)
{
	if (!show->packets) {
		show->first_ns = packet->time_ns;
		if (show->json)
			trace_head_json(show);
		else
			trace_head_text();
	}
	if (show->json)
		trace_show_json(show, packet, answer);
	else
		trace_show_text(show, packet, answer);
	show->packets++;
	if (!answer)
		return;
	show->run++;
	show->sent += trace_is_sent(answer);
	trace_count(show->actions, trace_text(answer, "action"));
	trace_count(show->outcomes, trace_text(answer, "outcome"));
}

void trace_show_finish(struct trace_show *show, bool complete)
{
	if (show->json)
		trace_finish_json(show, complete);
	else
		trace_finish_text(show, complete);
}

void trace_show_end(struct trace_show *show)
{
	json_decref(show->actions);
	json_decref(show->outcomes);
}
