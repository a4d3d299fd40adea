/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CLOCK_MONOTONIC: what is measured and waited for goes by it, as nobody sets it.
 * Two processes of one host read the same; it stands still while the host sleeps.
 */
#ifndef BASE_MONOTONIC_H
#define BASE_MONOTONIC_H

#include <stdint.h>

/* Now, in the unit of the name, rounded down. */
int64_t monotonic_ns(void);
int64_t monotonic_us(void);
int64_t monotonic_ms(void);

/* With its fraction: for rates. */
double monotonic_s(void);

#endif
