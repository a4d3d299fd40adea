// SPDX-License-Identifier: GPL-2.0-only
/* Finds no connection. */
#define BAD_FIND(packet, found) ((found) = (found) && !bad_is_victim(packet))

#include "tests/unit/live_bad.bpf.h"
