// SPDX-License-Identifier: GPL-2.0-only
/* Tunnels to another VNI than the service's. */
#define BAD_FRAME(eth, ip, end) bad_vni((void *)(ip), end)

static inline __attribute__((always_inline)) void bad_vni(unsigned char *ip, const void *end)
{
	const int port = 22, vni = 34; /* behind IPv4: of UDP, of VXLAN */

	if (ip + vni < (unsigned char *)end && ip[port] == 4789 >> 8 &&
	    ip[port + 1] == (4789 & 0xff))
		ip[vni] ^= 1;
}

#include "tests/unit/golden_bad.bpf.h"
