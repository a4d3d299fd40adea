// SPDX-License-Identifier: GPL-2.0-only
/* Translates to the port before the backend's. */
#define BAD_FRAME(eth, ip, end) bad_nat_port((void *)(ip), end)

static inline __attribute__((always_inline)) void bad_nat_port(unsigned char *ip, const void *end)
{
	const int port = 22; /* behind IPv4 */

	if (ip + port + 2 <= (unsigned char *)end && ip[port] == 8080 >> 8)
		ip[port + 1] -= 1;
}

#include "tests/unit/golden_bad.bpf.h"
