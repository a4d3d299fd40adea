// SPDX-License-Identifier: GPL-2.0-only
/* An Ethernet type that isn't what follows. */
#define BAD_FRAME(eth, ip, end) ((eth)->h_proto ^= bpf_htons(ETH_P_IP ^ ETH_P_IPV6))

#include "tests/unit/golden_bad.bpf.h"
