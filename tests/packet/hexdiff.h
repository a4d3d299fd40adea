/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PACKET_HEXDIFF_H
#define PACKET_HEXDIFF_H

#include <stdio.h>

#include "tests/packet/case.h"

/* Does @got match @expected in size and in every bit that isn't masked? */
bool hexdiff_equal(const struct case_frame *expected, const uint8_t *got, uint32_t size);

/* Write both, 16 bytes a line, with a mark under every byte that differs. */
void hexdiff_print(FILE *to, const struct case_frame *expected, const uint8_t *got, uint32_t size);

#endif
