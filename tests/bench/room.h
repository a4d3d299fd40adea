/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network namespace for test-runs: packets come in on its loopback device,
 * where a program may stand, and answers find the clients of flow.h behind a
 * router. It is gone with the process, or when it is left.
 */
#ifndef BENCH_ROOM_H
#define BENCH_ROOM_H

#include "base/error.h"

/* Where the clients are, as the destination of frames to them. */
#define ROOM_ROUTER_MAC             \
	{                           \
		2, 0, 0, 0, 0xcc, 1 \
	}

/* Go there. *ret_home is for room_leave, whatever comes of this; -1 is accepted there. */
int room_enter(int *ret_home, struct error *err);
void room_leave(int home);

#endif
