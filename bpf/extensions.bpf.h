/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IPv6 extension headers (RFC 8200, 4): walked to the transport header, a few
 * of them and within the packet. A packet with more is not one that anybody
 * sends for a good reason (RFC 9098).
 */
#ifndef EXTENSIONS_BPF_H
#define EXTENSIONS_BPF_H

#include <linux/in.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/packet.bpf.h"

#define EXTENSIONS_MAX 6

#define EXTENSION_HOP_BY_HOP 0
#define EXTENSION_ROUTING 43
#define EXTENSION_FRAGMENT 44
#define EXTENSION_DESTINATION 60

/* What all of them begin with; what follows are the routing and the fragment header's fields. */
struct extension {
	__u8 next;
	__u8 words; /* of 8 bytes, beyond the first; reserved in the fragment header */
	union {
		struct {
			__u8 type;
			__u8 segments_left;
		} routing;
		__be16 place; /* fragment offset in words of 8 bytes, then flags */
	};
	__be32 id;
};

#define EXTENSION_OFFSET 0xfff8
#define EXTENSION_MORE 0x0001

struct extensions {
	__u32 offset; /* from the IPv6 header */
	__u8 next;    /* the header that stands there */
	_Bool fragment;
	_Bool more;
};

/* Takes one header. Returns PACKET_GO_ON, or why the packet can't be right. */
LBD_INLINE int extensions_step(const struct extension *header, struct extensions *walk)
{
	if (walk->next == EXTENSION_FRAGMENT) {
		walk->fragment = header->place & bpf_htons(EXTENSION_OFFSET);
		walk->more = header->place & bpf_htons(EXTENSION_MORE);
		walk->offset += sizeof(*header);
	} else {
		/* RFC 5095: type 0 with hops left would go round in circles. */
		if (walk->next == EXTENSION_ROUTING && !header->routing.type &&
		    header->routing.segments_left)
			return LBD_OUTCOME_DROP_BAD_HEADER;
		walk->offset += (header->words + 1) * 8;
	}
	walk->next = header->next;
	return PACKET_GO_ON;
}

LBD_INLINE _Bool extensions_is_one(__u8 next)
{
	return next == EXTENSION_HOP_BY_HOP || next == EXTENSION_ROUTING ||
	       next == EXTENSION_FRAGMENT || next == EXTENSION_DESTINATION;
}

/* A later fragment's next header is its first's: the walk ends there. */
LBD_INLINE int extensions_walk(const struct ipv6hdr *ip, const void *end, __u32 length,
			       struct extensions *walk)
{
	int problem;

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const struct extension *header = (const void *)ip + walk->offset;

		if (!extensions_is_one(walk->next) || walk->fragment)
			return PACKET_GO_ON;
		if ((const void *)(header + 1) > end || walk->offset + sizeof(*header) > length)
			return LBD_OUTCOME_DROP_BAD_LENGTH;
		problem = extensions_step(header, walk);
		if (problem != PACKET_GO_ON)
			return problem;
		if (walk->offset > length)
			return LBD_OUTCOME_DROP_BAD_LENGTH;
	}
	return extensions_is_one(walk->next) && !walk->fragment ? LBD_OUTCOME_DROP_BAD_HEADER
								: PACKET_GO_ON;
}

#endif
