// SPDX-License-Identifier: GPL-2.0-only
/* A backend, but of another service. */
#define BAD_ROUTE(packet, backend) ((backend) = (backend) % 12 + 1)

#include "tests/unit/golden_bad.bpf.h"
