// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lbctl/report.h"
#include "lbctl/table.h"

int show_judged(const struct invocation *invocation, const struct client_request *request,
		void (*print)(const struct invocation *invocation, const json_t *answer),
		int (*judge)(const json_t *answer))
{
	json_t *answer;
	int rc = client_call(invocation, request, &answer);

	if (rc)
		return rc;
	if (invocation->json)
		report_json(answer);
	else
		print(invocation, answer);
	rc = judge(answer);
	json_decref(answer);
	return rc;
}

static int show_is_good(const json_t *answer)
{
	(void)answer;
	return LBCTL_OK;
}

int show_answer(const struct invocation *invocation, const struct client_request *request,
		void (*print)(const struct invocation *invocation, const json_t *answer))
{
	return show_judged(invocation, request, print, show_is_good);
}

int show_endpoint(const struct invocation *invocation, enum api_endpoint endpoint,
		  void (*print)(const struct invocation *invocation, const json_t *answer))
{
	const struct client_request request = { .endpoint = endpoint };

	return show_answer(invocation, &request, print);
}

/* One word for a backend's health check. */
static const char *show_health(const json_t *health, char *buffer)
{
	(void)buffer;
	if (!json_is_object(health))
		return "unchecked";
	if (!json_is_true(json_object_get(health, "checked")))
		return "waiting";
	return json_is_true(json_object_get(health, "healthy")) ? "ok" : "failing";
}

/* Why it is down; what failed before it came up is no longer news. */
static const char *show_failure(const json_t *health, char *buffer)
{
	if (json_is_true(json_object_get(health, "healthy")))
		return "-";
	return table_text(json_object_get(health, "reason"), buffer);
}

/* The MAC address, and plainly if there is none: such a backend gets no packets. */
static const char *show_nexthop(const json_t *nexthop, char *buffer)
{
	if (!json_is_true(json_object_get(nexthop, "resolved")))
		return "unresolved";
	snprintf(buffer, TABLE_TEXT_MAX, "%s %s",
		 json_string_value(json_object_get(nexthop, "mac")),
		 table_text(json_object_get(nexthop, "interface"), NULL));
	return buffer;
}

/* Where it listens, if not where its service does. */
static const char *show_own_port(const json_t *port, char *buffer)
{
	return json_is_integer(port) ? table_port(port, buffer) : "-";
}

/* What QUIC connection ids call it; as many as there is room for. */
static const char *show_server_ids(const json_t *ids, char *buffer)
{
	const json_t *id;
	size_t i, used = 0;

	json_array_foreach(ids, i, id) {
		const char *text = json_string_value(id);

		if (used + strlen(text) + 2 > TABLE_TEXT_MAX)
			break;
		used += (size_t)snprintf(buffer + used, TABLE_TEXT_MAX - used, "%s%s", i ? "," : "",
					 text);
	}
	return used ? buffer : "-";
}

/* A sentence is no cell of a table. */
static void show_unresolved(const json_t *backends)
{
	const json_t *backend;
	size_t i;

	json_array_foreach(backends, i, backend) {
		const json_t *reason = table_value(backend, "nexthop.reason");

		if (json_is_string(reason))
			printf("backend %s gets no packets: its address %s\n",
			       json_string_value(json_object_get(backend, "name")),
			       json_string_value(reason));
	}
}

void show_backends(const struct invocation *invocation, const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "SERVICE", "service", table_text, false },
		{ "BACKEND", "name", table_text, false },
		{ "ADDRESS", "address", table_text, false },
		{ "PORT", "port", show_own_port, true },
		{ "ROLE", "role", table_text, false },
		{ "STATE", "state", table_text, false },
		{ "WEIGHT", "weight", table_count, true },
		{ "CHECK", "health", show_health, false },
		{ "LATENCY", "health.latency_us", table_us, true },
		{ "NEXT HOP", "nexthop", show_nexthop, false },
		{ "SERVER IDS", "server_ids", show_server_ids, false },
		{ "CONNECTIONS", "connections", table_count, true },
		{ "PACKETS", "packets", table_count, true },
		{ "BYTES", "bytes", table_bytes, true },
		{ "FAILURE", "health", show_failure, false },
		{ 0 },
	};

	(void)invocation;
	table_print(stdout, columns, json_object_get(answer, "backends"), "no backends");
	show_unresolved(json_object_get(answer, "backends"));
}

static void show_time(const json_t *seconds)
{
	time_t when = (time_t)json_integer_value(seconds);
	struct tm broken;
	char text[64];

	if (localtime_r(&when, &broken) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &broken))
		printf(", loaded %s", text);
}

void show_generation_line(const json_t *generation)
{
	const json_t *features = json_object_get(generation, "features"), *feature;
	size_t i;

	if (!json_is_object(generation)) {
		puts("none");
		return;
	}
	printf("lbd %s, program %lld, tag %s",
	       table_text(json_object_get(generation, "version"), NULL),
	       (long long)json_integer_value(json_object_get(generation, "prog_id")),
	       table_text(json_object_get(generation, "tag"), NULL));
	show_time(json_object_get(generation, "loaded_at"));
	json_array_foreach(features, i, feature)
		printf("%s%s", i ? " " : ", for ", json_string_value(feature));
	putchar('\n');
}

void show_trial(const json_t *trial)
{
	const json_t *services = json_object_get(trial, "services");

	if (!json_is_object(trial))
		return;
	printf("on trial  %s, %g %% of %s, %lld s left%s\n          ",
	       table_text(json_object_get(trial, "kind"), NULL),
	       json_number_value(json_object_get(trial, "share")) * 100,
	       json_is_string(services) ? json_string_value(services) : "all packets",
	       (long long)json_integer_value(json_object_get(trial, "left_ms")) / 1000,
	       json_is_true(json_object_get(trial, "late")) ? ", held up: it gets nothing" : "");
	show_generation_line(json_object_get(trial, "candidate"));
	printf("          %s%s\n",
	       json_is_true(json_object_get(trial, "doubted")) ? "in doubt: " : "",
	       table_text(json_object_get(trial, "evidence"), NULL));
}

void show_generations(const struct invocation *invocation, const json_t *answer)
{
	(void)invocation;
	printf("running   ");
	show_generation_line(json_object_get(answer, "running"));
	printf("previous  ");
	show_generation_line(json_object_get(answer, "previous"));
	show_trial(json_object_get(answer, "trial"));
}

void show_role(const struct invocation *invocation, const json_t *answer)
{
	const json_t *ago = json_object_get(answer, "role_ms_ago");
	bool known = json_integer_value(ago) >= 0;
	const json_t *term = table_value(answer, "term.own");
	char since[TABLE_TEXT_MAX], number[TABLE_TEXT_MAX];

	(void)invocation;
	printf("%s%s%s%s%s; gate %s: %s\n", table_text(json_object_get(answer, "role"), NULL),
	       known ? " for " : "", known ? table_ms(ago, since) : "",
	       json_integer_value(term) ? ", term " : "",
	       json_integer_value(term) ? table_count(term, number) : "",
	       json_is_true(table_value(answer, "gate.open")) ? "open" : "closed",
	       table_text(table_value(answer, "gate.reason"), NULL));
}
