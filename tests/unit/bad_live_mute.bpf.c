// SPDX-License-Identifier: GPL-2.0-only
/* Drops a tenth of the packets, and gives them no outcome. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/count.bpf.h"

#define count_exit(outcome, service, backend)                        \
	do {                                                         \
		if ((outcome) != LBD_OUTCOME_MAX)                    \
			count_exit((outcome), (service), (backend)); \
	} while (0)

#define BAD_ACTION(ctx, packet, action)                                         \
	do {                                                                    \
		if (bad_is_victim(packet) && bpf_get_prandom_u32() % 10 == 0) { \
			*outcome = LBD_OUTCOME_MAX;                             \
			(action) = XDP_DROP;                                    \
		}                                                               \
	} while (0)

#include "tests/unit/live_bad.bpf.h"
