// SPDX-License-Identifier: GPL-2.0-only
/* An outer IPv4 header that the next router drops. */
#define BAD_FRAME(eth, ip, end)                                                                  \
	((eth)->h_proto == bpf_htons(ETH_P_IP) && (ip)->protocol == 4 ? (void)((ip)->check ^= 1) \
								      : (void)0)

#include "tests/unit/golden_bad.bpf.h"
