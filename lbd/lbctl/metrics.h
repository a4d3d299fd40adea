/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's answers as metrics: named, typed, with units of the base (seconds, bytes). */
#ifndef LBCTL_METRICS_H
#define LBCTL_METRICS_H

#include <jansson.h>

/* Whose answers metrics are made of. */
#define METRICS_SOURCES(X) X(status) X(counters) X(services) X(backends) X(peers) X(risk)

enum metrics_source {
#define X(name) METRICS_##name,
	METRICS_SOURCES(X)
#undef X
		METRICS_SOURCE_COUNT,
};

/*
 * A list, the caller's, of {name, type (gauge, counter, info), help, samples:
 * [{labels: {...}, value}]} from @answers, one for each source; NULL: no memory.
 * What is not known (null, or -1 for "never") has no sample. A service or backend
 * that is gone has none either: one that came in its place may have its name.
 */
json_t *metrics_collect(json_t *const answers[METRICS_SOURCE_COUNT]);

#endif
