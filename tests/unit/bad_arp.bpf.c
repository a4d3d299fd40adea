// SPDX-License-Identifier: GPL-2.0-only
/* Swallows ARP: the node would drop off its network. */
#define BAD_NOT_IP XDP_DROP

#include "tests/unit/golden_bad.bpf.h"
