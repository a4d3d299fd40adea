// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "lbctl/client.h"
#include "lbctl/commands.h"
#include "lbctl/metrics.h"
#include "lbctl/report.h"
#include "lbctl/risk_ask.h"

/* Label values in the text format: backslash, quote and newline are escaped. */
static void metrics_print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", stdout);
			continue;
		}
		if (*text == '\\' || *text == '"')
			putchar('\\');
		putchar(*text);
	}
}

static void metrics_print_labels(json_t *labels)
{
	const char *name, *before = "{";
	json_t *value;

	json_object_foreach(labels, name, value) {
		printf("%s%s=\"", before, name);
		metrics_print_escaped(json_string_value(value));
		putchar('"');
		before = ",";
	}
	if (json_object_size(labels))
		putchar('}');
}

static void metrics_print_sample(const char *name, const json_t *sample)
{
	const json_t *value = json_object_get(sample, "value");

	fputs(name, stdout);
	metrics_print_labels(json_object_get(sample, "labels"));
	if (json_is_integer(value))
		printf(" %lld\n", (long long)json_integer_value(value));
	else
		printf(" %.9g\n", json_number_value(value));
}

static void metrics_print(const json_t *metrics)
{
	json_t *metric, *sample;
	size_t i, j;

	json_array_foreach(metrics, i, metric) {
		const char *name = json_string_value(json_object_get(metric, "name"));

		printf("# HELP %s %s\n", name, json_string_value(json_object_get(metric, "help")));
		printf("# TYPE %s %s\n", name, json_string_value(json_object_get(metric, "type")));
		json_array_foreach(json_object_get(metric, "samples"), j, sample)
			metrics_print_sample(name, sample);
	}
}

static int metrics_ask(const struct invocation *invocation, json_t **answers)
{
	static const enum api_endpoint endpoints[METRICS_SOURCE_COUNT] = {
#define X(name) [METRICS_##name] = API_get_##name,
		METRICS_SOURCES(X)
#undef X
	};
	int rc = LBCTL_OK;

	for (int i = 0; i < METRICS_SOURCE_COUNT && !rc; i++) {
		const struct client_request request = { .endpoint = endpoints[i] };

		/* The risk comes in parts. */
		rc = i == METRICS_risk ? risk_ask(invocation, NULL, &answers[i])
				       : client_call(invocation, &request, &answers[i]);
	}
	return rc;
}

static int metrics_run(const struct invocation *invocation)
{
	json_t *answers[METRICS_SOURCE_COUNT] = { 0 }, *metrics;
	int rc = metrics_ask(invocation, answers);

	if (!rc) {
		metrics = json_pack("{s:o}", "metrics", metrics_collect(answers));
		if (invocation->json)
			report_json(metrics);
		else
			metrics_print(json_object_get(metrics, "metrics"));
		json_decref(metrics);
	}
	for (int i = 0; i < METRICS_SOURCE_COUNT; i++)
		json_decref(answers[i]);
	return rc;
}

static const struct command_example metrics_examples[] = {
	{ "metrics", "every figure of this node" },
	{ "metrics | sponge /var/lib/prometheus/node-exporter/lbd.prom",
	  "from a timer, for node_exporter's textfile collector" },
	{ 0 },
};

const struct command cmd_metrics = {
	.name = "metrics",
	.arguments = "",
	.summary = "the figures of this node, for Prometheus",
	.details = "Prints what status, counters, services, backends, peers and risk say in the "
		   "text format of Prometheus, in seconds and bytes. What is not known has no "
		   "line. Nothing listens for it: write it where node_exporter's textfile "
		   "collector reads.",
	.examples = metrics_examples,
	.run = metrics_run,
};
