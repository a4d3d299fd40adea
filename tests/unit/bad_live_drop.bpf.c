// SPDX-License-Identifier: GPL-2.0-only
/* Drops a tenth of its clients, and says nothing of it. */
#define BAD_ACTION(ctx, packet, action)                                                  \
	do {                                                                             \
		if (bad_is_victim(packet) && bpf_ntohs((packet)->client_port) % 10 == 0) \
			(action) = XDP_DROP;                                             \
	} while (0)

#include "tests/unit/live_bad.bpf.h"
