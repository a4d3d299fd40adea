/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/* What the flood's program and tests/tools/flood share. */
#ifndef CLUSTER_FLOOD_H
#define CLUSTER_FLOOD_H

#include <linux/types.h>

struct flood_config {
	__u32 ifindex; /* frames go out here */
	__u32 source;  /* host order ... */
	__u32 vary;    /* ... and the bits of it that vary */
	__be32 vip;
	__be16 port;
	__u8 mac[6];
	__u8 pairs; /* of segments, which make a connection that is confirmed, instead of SYNs */
};

#endif
