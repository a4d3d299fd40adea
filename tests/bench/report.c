// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
	json_t *figures;
};

struct report *report_new(void)
{
	struct report *report = malloc(sizeof(*report));

	if (!report)
		return NULL;
	report->figures = json_array();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%-26s %-5s %9s %9s %9s %7s %4s %5s  %-13s %s\n", "name", "unit", "median", "min",
	       "baseline", "ratio", "n", "noisy", "target", "met");
	return report;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	json_decref(report->figures);
	free(report);
}

static bool report_met(const struct figure *figure)
{
	if (figure->aim == FIGURE_MEDIAN_AT_MOST)
		return figure->median <= figure->target;
	if (figure->aim == FIGURE_MEDIAN_AT_LEAST)
		return figure->median >= figure->target;
	if (figure->aim == FIGURE_RATIO_AT_MOST)
		return figure->ratio <= figure->target;
	return figure->ratio >= figure->target;
}

static void report_target(const struct figure *figure, char *text, size_t size)
{
	static const char *const prefix[] = {
		[FIGURE_NO_AIM] = "",
		[FIGURE_MEDIAN_AT_MOST] = "<= ",
		[FIGURE_MEDIAN_AT_LEAST] = ">= ",
		[FIGURE_RATIO_AT_LEAST] = "ratio >= ",
		[FIGURE_RATIO_AT_MOST] = "ratio <= ",
	};

	*text = '\0';
	if (figure->aim != FIGURE_NO_AIM)
		snprintf(text, size, "%s%.4g", prefix[figure->aim], figure->target);
}

static void report_print(const struct figure *figure)
{
	char target[32];

	report_target(figure, target, sizeof(target));
	printf("%-26s %-5s %9.2f %9.2f %9.2f %7.2f %4u %5u  %-13s %s\n", figure->name, figure->unit,
	       figure->median, figure->min, figure->baseline, figure->ratio, figure->n,
	       figure->noisy, target,
	       figure->aim == FIGURE_NO_AIM ? "" : (report_met(figure) ? "yes" : "NO"));
}

void report_add(struct report *report, const struct figure *figure)
{
	json_t *object;

	report_print(figure);
	object = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:i, s:i}", "name", figure->name, "unit",
			   figure->unit, "median", figure->median, "min", figure->min, "baseline",
			   figure->baseline, "ratio", figure->ratio, "n", (int)figure->n, "noisy",
			   (int)figure->noisy);
	if (figure->aim != FIGURE_NO_AIM) {
		json_object_set_new(object, "target", json_real(figure->target));
		json_object_set_new(object, "met", json_boolean(report_met(figure)));
	}
	json_array_append_new(report->figures, object);
}

double report_median(const struct report *report, const char *name)
{
	json_t *figure;
	size_t i;

	json_array_foreach(report->figures, i, figure)
		if (!strcmp(json_string_value(json_object_get(figure, "name")), name))
			return json_real_value(json_object_get(figure, "median"));
	return 0;
}

bool report_wants(const char *names, const char *only)
{
	const size_t length = strlen(only);
	const char *name = names;

	if (*only != '=')
		return strstr(names, only);
	while (*name) {
		size_t size = strcspn(name, " ");

		if (size == length - 1 && !strncmp(name, only + 1, size))
			return true;
		name += size + strspn(name + size, " ");
	}
	return false;
}

int report_save(const struct report *report, const char *path)
{
	return json_dump_file(report->figures, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) ? -EIO
											      : 0;
}
