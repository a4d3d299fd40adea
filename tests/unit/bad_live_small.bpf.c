// SPDX-License-Identifier: GPL-2.0-only
/* Drops a tenth of what comes for the web servers of one VIP (192.0.2.101), and says it sent it. */
#define BAD_PORT 80
#define BAD_VIP 0xc0000265
#define BAD_LOSES(packet)                                                         \
	(bad_is_victim(packet) && (packet)->vip.words[3] == bpf_htonl(BAD_VIP) && \
	 bpf_get_prandom_u32() % 10 == 0)

#include "tests/unit/live_bad.bpf.h"
