/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/* What the wrapper and its loader share. */
#ifndef BENCH_WRAP_H
#define BENCH_WRAP_H

#include "lbd/types.h"

#define WRAP_FRAME_MAX 96
#define WRAP_WAYS_MAX (1U << 16)

/* Source, destination and ports of an answer, as they stand in its headers. */
struct wrap_way {
	__be32 source;
	__be32 dest;
	__be32 ports;
	__u32 reserved;
};

/* Constant once loaded. */
struct wrap_config {
	__u32 frame_size;
	__u32 flows; /* power of two, or FLOW_EACH_NEW */
	__u32 ipv6;
	__be32 dest4; /* NAT: where the frame was to, as it doesn't stay so; 0: no NAT */
	__be16 port;
	__u32 spread; /* flows have addresses of their own */
	__u32 answers; /* not to the VIP but back from there, by wrap_ways; at most that many flows */
};

/* Set and read between runs. */
struct wrap_state {
	__u64 place;   /* in the sequence of flows; goes on over runs */
	__u64 failed;  /* the frame couldn't be reset, or there was no target */
	__u8 head[16]; /* of the frame: what a forwarder overwrites */
	__u32 target;  /* enum wrap_target */
};

/* WRAP_OVER: what the program is compared to, if not the empty one. */
enum wrap_target { WRAP_PROGRAM, WRAP_OVER, WRAP_EMPTY, WRAP_TARGETS };

#endif
