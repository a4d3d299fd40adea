// SPDX-License-Identifier: GPL-2.0-only
/* Chooses by hash alone, and never asks the connection table. */
#define BAD_ROUTE(packet, backend) ((backend) = pick_backend(packet, &(_Bool){ 0 }))

#include "tests/unit/golden_bad.bpf.h"
