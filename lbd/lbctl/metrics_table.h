/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What metrics there are; lbd/api/API.md says what the values mean. */
#ifndef LBCTL_METRICS_TABLE_H
#define LBCTL_METRICS_TABLE_H

#include <stddef.h>

#include "lbctl/metrics.h"

#define METRIC_LABELS_MAX 3

/* How a value of JSON becomes a number. */
enum metric_unit {
	METRIC_PLAIN,
	METRIC_FROM_MS, /* to seconds */
	METRIC_FROM_US, /* to seconds */
	METRIC_TRUE,	/* true is 1 */
	METRIC_SET,	/* 1 where there is an object, not null */
	METRIC_LENGTH,	/* of a list */
	METRIC_IS,	/* 1 where a text is that of the row */
};

struct metric_label {
	const char *name;
	const char *path; /* in the row of JSON; "=text": always this text */
};

struct metric {
	enum metrics_source source;
	const char *name, *type, *help;
	const char *rows; /* path of a list with a sample in each row; "": the answer is one */
	const char *path; /* of the value */
	enum metric_unit unit;
	const char *is; /* of unit METRIC_IS */
	struct metric_label labels[METRIC_LABELS_MAX];
};

/* Rows of one name stand together. */
extern const struct metric metric_table[];
extern const size_t metric_count;

#endif
