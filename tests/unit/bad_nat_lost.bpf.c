// SPDX-License-Identifier: GPL-2.0-only
/* Keeps answers to itself. */
#define BAD_ANSWER(eth, ip, end) return XDP_DROP

#include "tests/unit/golden_bad.bpf.h"
