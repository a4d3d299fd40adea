// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/preflight_show.h"

#include <stdio.h>
#include <string.h>

#include "lbctl/table.h"

static const char *preflight_text(const json_t *object, const char *path)
{
	return table_text(table_value(object, path), NULL);
}

static const char *preflight_count(const json_t *object, const char *path, char *buffer)
{
	return table_count(table_value(object, path), buffer);
}

static void preflight_print_steps(const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "STEP", "step", table_text, false },
		{ "RESULT", "result", table_text, false },
		{ "TOOK", "took_us", table_us, true },
		{ "WHAT", "what", table_text, false },
		{ 0 },
	};
	const json_t *step;
	size_t i;

	table_print(stdout, columns, json_object_get(answer, "steps"), "");
	json_array_foreach(json_object_get(answer, "steps"), i, step)
		if (json_is_string(json_object_get(step, "why")))
			printf("%s: %s\n", preflight_text(step, "step"),
			       preflight_text(step, "why"));
}

static void preflight_print_program(const char *title, const json_t *program)
{
	char cells[4][TABLE_TEXT_MAX];

	if (!json_is_object(program))
		return;
	printf("%-10slbd %s, tag %s: %s programs, %s instructions, %s walked by the verifier, %s "
	       "of machine code\n",
	       title, preflight_text(program, "version"), preflight_text(program, "tag"),
	       preflight_count(program, "programs", cells[0]),
	       preflight_count(program, "instructions", cells[1]),
	       preflight_count(program, "verified", cells[2]),
	       table_bytes(json_object_get(program, "jited_bytes"), cells[3]));
}

/* Those that are as they were need no line each. */
static void preflight_print_maps(const json_t *maps)
{
	static const struct table_column columns[] = {
		{ "MAP", "map", table_text, false },
		{ "FATE", "fate", table_text, false },
		{ "WHY", "why", table_text, false },
		{ 0 },
	};
	json_t *others = json_array();
	const size_t all = json_array_size(maps);
	json_t *map;
	size_t i;

	json_array_foreach(maps, i, map)
		if (strcmp(preflight_text(map, "fate"), "reused") != 0)
			json_array_append(others, map);
	if (all)
		printf("maps      %zu of %zu are reused as they are\n",
		       all - json_array_size(others), all);
	if (json_array_size(others))
		table_print(stdout, columns, others, "");
	json_decref(others);
}

static void preflight_print_replay(const char *title, const json_t *replay)
{
	static const struct table_column columns[] = {
		{ "SERVICE", "service", table_text, false },
		{ "PACKET", "packet", table_text, false },
		{ "NOW", "old", table_text, false },
		{ "WITH IT", "new", table_text, false },
		{ 0 },
	};
	const json_t *list = json_object_get(replay, "list");
	char cells[11][TABLE_TEXT_MAX];

	if (!json_integer_value(json_object_get(replay, "made")))
		return;
	printf("%-9s %s packets of connections, %s that close one, %s ICMP errors about one, %s "
	       "fragments;\n          %s of new clients, %s that were dropped, %s answers\n",
	       title, preflight_count(replay, "run.live", cells[0]),
	       preflight_count(replay, "run.closing", cells[1]),
	       preflight_count(replay, "run.icmp-error", cells[2]),
	       preflight_count(replay, "run.fragment", cells[3]),
	       preflight_count(replay, "run.fresh", cells[4]),
	       preflight_count(replay, "run.dropped", cells[5]),
	       preflight_count(replay, "run.answer", cells[6]));
	printf("          %s fare the same, %s with another name for it, %s couldn't be settled, "
	       "%s fare otherwise\n",
	       preflight_count(replay, "same", cells[7]),
	       preflight_count(replay, "otherwise", cells[8]),
	       preflight_count(replay, "unsettled", cells[9]),
	       preflight_count(replay, "different", cells[10]));
	if (json_array_size(list))
		table_print(stdout, columns, list, "");
}

/* Single runs from a cold start: good for comparing the two, and nothing else. */
static void preflight_print_cost(const json_t *cost)
{
	if (json_is_object(cost))
		printf("cost      a packet takes %.2f times as long: %lld ns now, %lld ns then (a "
		       "hint: medians of single, cold runs)\n",
		       json_real_value(json_object_get(cost, "ratio")),
		       (long long)json_integer_value(json_object_get(cost, "running_ns")),
		       (long long)json_integer_value(json_object_get(cost, "candidate_ns")));
}

static void preflight_print_swap(const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "INTERFACE", "name", table_text, false },
		{ "MODE", "mode", table_text, false },
		{ "DRIVER", "driver", table_text, false },
		{ "REPLACING ITS PROGRAM", "exchange", table_text, false },
		{ 0 },
	};
	const json_int_t watch_ms =
		json_integer_value(json_object_get(json_object_get(answer, "swap"), "watch_ms"));
	const json_t *running = json_object_get(answer, "running");

	printf("swap      one slot; no interface is touched; ");
	if (watch_ms)
		printf("watched for %lld s; ", (long long)watch_ms / 1000);
	if (json_is_object(running))
		printf("a rollback returns to lbd %s, tag %s\n", preflight_text(running, "version"),
		       preflight_text(running, "tag"));
	else
		printf("there is nothing to go back to\n");
	table_print(stdout, columns, json_object_get(answer, "interfaces"), "");
}

void preflight_show(const struct invocation *invocation, const json_t *answer)
{
	(void)invocation;
	preflight_print_steps(answer);
	putchar('\n');
	preflight_print_program("running", json_object_get(answer, "running"));
	preflight_print_program("candidate", json_object_get(answer, "candidate"));
	preflight_print_cost(json_object_get(answer, "cost"));
	preflight_print_maps(json_object_get(answer, "maps"));
	preflight_print_replay("replay", json_object_get(answer, "replay"));
	preflight_print_replay("apart", json_object_get(answer, "apart"));
	preflight_print_swap(answer);
	puts(json_is_true(json_object_get(answer, "taken"))
		     ? "\nAn upgrade would take it."
		     : "\nAn upgrade would refuse it; the running packet path would run on.");
}
