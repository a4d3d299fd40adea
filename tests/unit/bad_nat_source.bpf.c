// SPDX-License-Identifier: GPL-2.0-only
/* Translates to the address behind the NAT's, so that answers go astray. */
#include <linux/ip.h>

#define BAD_FRAME(eth, ip, end) bad_nat_source(ip)

static inline __attribute__((always_inline)) void bad_nat_source(struct iphdr *ip)
{
	if (ip->version == 4 && ip->saddr == __builtin_bswap32(0xc0000264)) /* 192.0.2.100 */
		ip->saddr = __builtin_bswap32(0xc0000266);
}

#include "tests/unit/golden_bad.bpf.h"
