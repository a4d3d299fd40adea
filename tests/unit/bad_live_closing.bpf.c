// SPDX-License-Identifier: GPL-2.0-only
/* Drops who wants to close. */
#define BAD_ACTION(ctx, packet, action) \
	((action) = bad_is_victim(packet) && (packet)->fin ? XDP_DROP : (action))

#include "tests/unit/live_bad.bpf.h"
