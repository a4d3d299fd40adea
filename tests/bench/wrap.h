/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/* What the wrapper and its loader share. */
#ifndef BENCH_WRAP_H
#define BENCH_WRAP_H

#include "lbd/types.h"

#define WRAP_FRAME_MAX 96

/* Constant once loaded. */
struct wrap_config {
	__u32 frame_size;
	__u32 flows; /* power of two, or FLOW_EACH_NEW */
	__u32 ipv6;
	__be32 dest4; /* NAT: where the frame was to, as it doesn't stay so; 0: no NAT */
	__be16 port;
	__u32 spread; /* flows have addresses of their own */
};

/* Set and read between runs. */
struct wrap_state {
	__u64 place;   /* in the sequence of flows; goes on over runs */
	__u64 failed;  /* the frame couldn't be reset, or there was no target */
	__u8 head[16]; /* of the frame: what a forwarder overwrites */
};

enum wrap_target { WRAP_PROGRAM, WRAP_EMPTY, WRAP_TARGETS };

#endif
