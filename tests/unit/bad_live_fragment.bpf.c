// SPDX-License-Identifier: GPL-2.0-only
/* Loses the first fragments of datagrams, and nothing else. */
#define BAD_LOSES(packet) (bad_is_victim(packet) && (packet)->more)

#include "tests/unit/live_bad.bpf.h"
