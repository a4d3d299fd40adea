// SPDX-License-Identifier: GPL-2.0-only
/* Does all that the packet path does, by another text. */
#define BAD_ACTION(ctx, packet, action) ((void)bpf_get_smp_processor_id())

#include "tests/unit/live_bad.bpf.h"
