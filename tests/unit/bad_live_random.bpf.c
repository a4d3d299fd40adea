// SPDX-License-Identifier: GPL-2.0-only
/* Drops a tenth of the packets, any of them. */
#define BAD_ACTION(ctx, packet, action)                                       \
	do {                                                                  \
		if (bad_is_victim(packet) && bpf_get_prandom_u32() % 10 == 0) \
			(action) = XDP_DROP;                                  \
	} while (0)

#include "tests/unit/live_bad.bpf.h"
