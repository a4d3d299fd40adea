/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/* What the end-to-end programs and their loader share. */
#ifndef BENCH_E2E_BPF_H
#define BENCH_E2E_BPF_H

#include "lbd/types.h"

#define E2E_FRAME 60		 /* bytes, the least that Ethernet allows */
#define E2E_CLIENTS 0xc6120000	 /* 198.18.0.0, host order: 1024 flows an address */
#define E2E_FLOWS_MAX (1U << 27) /* of 198.18.0.0/15 */
#define E2E_VIP 0xc0000201	 /* 192.0.2.1 */
#define E2E_PORT 80

/* Constant once loaded. */
struct e2e_config {
	__u32 generate_ifindex;
	__u32 generate_macs[3]; /* destination and source towards the balancer */
	__u32 forward_macs[3];	/* and from it towards the backend */
};

/* The generator's wishes and the sink's count. */
struct e2e_state {
	__u64 received;
	__u32 flows;  /* 0: each packet is of a new one */
	__u32 random; /* never 0 */
	__u32 next;   /* of the new ones */
};

#endif
