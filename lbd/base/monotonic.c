// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>

#include "base/monotonic.h"

int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int64_t monotonic_us(void)
{
	return monotonic_ns() / 1000;
}

int64_t monotonic_ms(void)
{
	return monotonic_ns() / 1000000;
}

double monotonic_s(void)
{
	return (double)monotonic_ns() / 1e9;
}
