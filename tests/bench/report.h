/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures, as a table for people and as JSON for whoever compares runs. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* What a figure should reach, and whether it is the median or the ratio that should. */
enum figure_aim {
	FIGURE_NO_AIM,
	FIGURE_MEDIAN_AT_MOST,
	FIGURE_MEDIAN_AT_LEAST,
	FIGURE_RATIO_AT_LEAST,
	FIGURE_RATIO_AT_MOST,
};

struct figure {
	const char *name;
	const char *unit;
	double median;
	double min;
	double baseline; /* in the same unit, measured in the same rounds */
	double ratio;
	unsigned int n;	    /* quiet runs, of which the above are made */
	unsigned int noisy; /* runs that were not quiet, left out */
	enum figure_aim aim;
	double target;
};

struct report;

struct report *report_new(void);

/* Accepts NULL. */
void report_free(struct report *report);

/* Print @figure as the next line of the table, and keep it. @figure->name must stay. */
void report_add(struct report *report, const struct figure *figure);

/* The median of the figure of that name, 0 if there is none by now. */
double report_median(const struct report *report, const char *name);

/*
 * Is any of @names, which blanks divide, wanted by --only? @only is a part of a name, or "=" and a
 * whole one.
 */
bool report_wants(const char *names, const char *only);

/* Write all figures to @path. 0 or a negative errno. */
int report_save(const struct report *report, const char *path);

#endif
