// SPDX-License-Identifier: GPL-2.0-only
/* Leaves the checksum of TCP as it was before. */
#include <linux/in.h>

#define BAD_FRAME(eth, ip, end) bad_nat_checksum((void *)(ip), end)

static inline __attribute__((always_inline)) void bad_nat_checksum(unsigned char *ip,
								   const void *end)
{
	const int protocol = 9, source = 12, check = 36; /* behind IPv4: of TCP */

	if (ip + check < (unsigned char *)end && ip[0] == 0x45 && ip[protocol] == IPPROTO_TCP &&
	    ip[source] == 192)
		ip[check] ^= 1;
}

#include "tests/unit/golden_bad.bpf.h"
