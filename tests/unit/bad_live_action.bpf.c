// SPDX-License-Identifier: GPL-2.0-only
/* Gives the kernel an answer that is none. */
#define BAD_ACTION(ctx, packet, action) ((action) = bad_is_victim(packet) ? 99 : (action))

#include "tests/unit/live_bad.bpf.h"
