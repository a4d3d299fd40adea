// SPDX-License-Identifier: GPL-2.0-only
/* Takes every port of a VIP, ssh too. */
#define BAD_PORT(packet) ((packet)->vip_port = bpf_htons(80))

#include "tests/unit/golden_bad.bpf.h"
