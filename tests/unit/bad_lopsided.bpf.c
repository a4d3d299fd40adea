// SPDX-License-Identifier: GPL-2.0-only
/* Always the first backend of the ring. */
#define BAD_ROUTE(packet, backend) ((backend) = pick_ring((packet)->service - 1, 0))

#include "tests/unit/golden_bad.bpf.h"
