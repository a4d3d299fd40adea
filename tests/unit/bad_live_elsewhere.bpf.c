// SPDX-License-Identifier: GPL-2.0-only
/* To the neighbour of the backend that was chosen. */
#define BAD_ROUTE(packet, backend)                           \
	do {                                                 \
		if (bad_is_victim(packet) && (backend))      \
			(backend) = (((backend)-1) ^ 1) + 1; \
	} while (0)

#include "tests/unit/live_bad.bpf.h"
