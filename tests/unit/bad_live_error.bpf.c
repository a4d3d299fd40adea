// SPDX-License-Identifier: GPL-2.0-only
/* Loses ICMP errors about its connections, and nothing else. */
#define BAD_OWNER(packet, backend) ((backend) = bad_is_victim(packet) ? 0 : (backend))

#include "tests/unit/live_bad.bpf.h"
