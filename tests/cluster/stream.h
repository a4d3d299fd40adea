/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/* What the stream's programs and tests/tools/stream share. */
#ifndef CLUSTER_STREAM_H
#define CLUSTER_STREAM_H

#include <linux/types.h>

#define STREAM_FLOWS_MAX (1U << 20)
#define STREAM_AHEAD \
	128 /* under way at a time: with a batch more, less than a queue of a veth holds */

struct stream_config {
	__u32 ifindex; /* frames go out here */
	__u32 source;  /* the first client, host order */
	__be32 vip;
	__be16 port;
	__u8 mac[6];
};

/* Of a flow: sent so far, and what the sink expects next and from whom. */
struct stream_flow {
	__u32 sent;
	__u32 expected;
	__u32 backend; /* last byte of its MAC address; 0: none yet */
};

struct stream_figures {
	__u64 sent, received, lost, duplicated, misrouted;
	__u64 gap_ns; /* the longest between two frames */
	__u64 last_ns;
};

/* Mapped by the tool, which writes how many flows there are by now. */
struct stream_shared {
	__u32 flows, turn;
	struct stream_figures figures;
};

/* In the payload, behind the UDP header. */
struct stream_stamp {
	__u32 flow, number;
};

#endif
