// SPDX-License-Identifier: GPL-2.0-only
/* Changes what is carried, not only how. */
#define BAD_FRAME(eth, ip, end) ((ip)->ttl ^= 1)

#include "tests/unit/golden_bad.bpf.h"
