// SPDX-License-Identifier: GPL-2.0-only
/* Leaves the client's MAC address as the source. */
#define BAD_FRAME(eth, ip, end) ((eth)->h_source[5] ^= 1)

#include "tests/unit/golden_bad.bpf.h"
