/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repeated measurements on a machine that others use too. Its speed comes in
 * steps, about 1.5 times apart, that last for seconds. So each sample is taken
 * between two measurements of a fixed reference, and counts only if both were
 * quiet: close to the best reference that was seen.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdbool.h>

#define SAMPLES_MAX 48

struct sample {
	double value;
	double baseline;  /* what @value is compared with, measured beside it */
	double reference; /* the slower of the two brackets; smaller is quieter */
};

struct samples {
	struct sample all[SAMPLES_MAX];
	unsigned int count;
};

struct samples_summary {
	double median, min, baseline, ratio; /* medians; the ratio is per sample */
	unsigned int quiet, noisy;
};

/* False when there is no room for another. */
bool samples_add(struct samples *samples, struct sample sample);

/* How many samples are quiet by now: the best reference may come late. */
unsigned int samples_quiet(const struct samples *samples);

/* Of the quiet ones, or of all if there are fewer than three quiet ones. */
void samples_summarise(const struct samples *samples, struct samples_summary *ret);

#endif
