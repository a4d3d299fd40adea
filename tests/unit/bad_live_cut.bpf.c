// SPDX-License-Identifier: GPL-2.0-only
/* Cuts the frame short. */
#define BAD_ACTION(ctx, packet, action)               \
	do {                                          \
		if (bad_is_victim(packet))            \
			bpf_xdp_adjust_tail(ctx, -4); \
	} while (0)

#include "tests/unit/live_bad.bpf.h"
