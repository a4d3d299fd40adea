// SPDX-License-Identifier: GPL-2.0-only
/* Sends answers to the client from the backend's port, not the VIP's. */
#define BAD_ANSWER(eth, ip, end) bad_nat_answer((void *)(ip), end)

static inline __attribute__((always_inline)) void bad_nat_answer(unsigned char *ip, const void *end)
{
	const int port = 20;

	if (ip + port + 2 <= (unsigned char *)end && ip[0] == 0x45)
		ip[port + 1] ^= 1;
}

#include "tests/unit/golden_bad.bpf.h"
