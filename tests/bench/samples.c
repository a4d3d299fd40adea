// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/samples.h"

#include <stdlib.h>
#include <string.h>

#define QUIET 1.12 /* times the best reference */
#define QUIET_ENOUGH 3

bool samples_add(struct samples *samples, struct sample sample)
{
	if (samples->count == SAMPLES_MAX)
		return false;
	samples->all[samples->count++] = sample;
	return true;
}

static double samples_best(const struct samples *samples)
{
	double best = samples->count ? samples->all[0].reference : 0;

	for (unsigned int i = 1; i < samples->count; i++)
		if (samples->all[i].reference < best)
			best = samples->all[i].reference;
	return best;
}

static bool samples_is_quiet(const struct sample *sample, double best)
{
	return sample->reference <= QUIET * best;
}

unsigned int samples_quiet(const struct samples *samples)
{
	double best = samples_best(samples);
	unsigned int quiet = 0;

	for (unsigned int i = 0; i < samples->count; i++)
		quiet += samples_is_quiet(&samples->all[i], best);
	return quiet;
}

static int samples_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double samples_median(double *values, unsigned int count)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), samples_compare);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void samples_summarise(const struct samples *samples, struct samples_summary *ret)
{
	double values[SAMPLES_MAX], baselines[SAMPLES_MAX], ratios[SAMPLES_MAX];
	bool all = samples_quiet(samples) < QUIET_ENOUGH;
	double best = samples_best(samples);
	unsigned int n = 0;

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->all[i];

		if (!all && !samples_is_quiet(sample, best))
			continue;
		values[n] = sample->value;
		baselines[n] = sample->baseline;
		ratios[n++] = sample->baseline > 0 ? sample->value / sample->baseline : 0;
	}
	ret->quiet = n;
	ret->noisy = samples->count - n;
	ret->median = samples_median(values, n);
	ret->min = n ? values[0] : 0;
	ret->baseline = samples_median(baselines, n);
	ret->ratio = samples_median(ratios, n);
}
