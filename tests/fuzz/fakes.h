/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the loop of sync is given in place of a network, a clock and a log:
 * messages that the fuzzer makes, and time that passes when it says so.
 */
#ifndef TESTS_FUZZ_FAKES_H
#define TESTS_FUZZ_FAKES_H

#include <stddef.h>
#include <stdint.h>

/* What comes next on the ROUTER, and on every DEALER. */
void fake_request(const uint8_t *data, size_t size);
void fake_answer(const uint8_t *data, size_t size);

/* What sends return from now on: 0 or a negative errno. */
void fake_sends(int err);

void fake_pass(uint64_t ms);

/* Back to how everything began. */
void fake_reset(void);

#endif
