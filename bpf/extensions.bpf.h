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

#define EXTENSIONS_OFFSET_MAX \
	0x3fff /* more than EXTENSIONS_MAX headers take, wherever they start */

/* All of it in an int, which is what a called function can return; negative: an outcome. */
LBD_INLINE int extensions_pack(const struct extensions *walk)
{
	return (int)(walk->offset << 10 | (__u32)walk->next << 2 | walk->fragment << 1 |
		     walk->more);
}

LBD_INLINE struct extensions extensions_unpack(int packed)
{
	const struct extensions walk = {
		.offset = packed >> 10 & EXTENSIONS_OFFSET_MAX,
		.next = packed >> 2,
		.fragment = packed >> 1 & 1,
		.more = packed & 1,
	};

	return walk;
}

LBD_INLINE _Bool extensions_is_one(__u8 next)
{
	return next == EXTENSION_HOP_BY_HOP || next == EXTENSION_ROUTING ||
	       next == EXTENSION_FRAGMENT || next == EXTENSION_DESTINATION;
}

/*
 * Read the header of type @next at @at of the frame. Returns what it says, with
 * its own size as the offset, or why the packet can't be right. Called, not
 * inlined, as is the walk: for each header, and for each packet that has one,
 * the verifier would walk through all of it again.
 */
__attribute__((noinline)) int extensions_read(struct xdp_md *ctx, __u32 at, __u32 next)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct extension *header = data + (at & EXTENSIONS_OFFSET_MAX);
	struct extensions read = {};

	if ((const void *)(header + 1) > end)
		return -LBD_OUTCOME_DROP_BAD_LENGTH;
	read.next = header->next;
	read.offset = sizeof(*header);
	if (next == EXTENSION_FRAGMENT) {
		read.fragment = header->place & bpf_htons(EXTENSION_OFFSET);
		read.more = header->place & bpf_htons(EXTENSION_MORE);
		return extensions_pack(&read);
	}
	/* RFC 5095: type 0 with hops left would go round in circles. */
	if (next == EXTENSION_ROUTING && !header->routing.type && header->routing.segments_left)
		return -LBD_OUTCOME_DROP_BAD_HEADER;
	read.offset += header->words * 8;
	return extensions_pack(&read);
}

/* Takes one header of the packet at @ip. Returns PACKET_GO_ON, or why it can't be right. */
LBD_INLINE int extensions_step(struct xdp_md *ctx, __u32 ip, struct extensions *walk)
{
	const int packed = extensions_read(ctx, ip + walk->offset, walk->next);
	struct extensions read;

	if (packed < 0)
		return -packed;
	read = extensions_unpack(packed);
	walk->offset += read.offset;
	if (walk->next == EXTENSION_FRAGMENT) {
		walk->fragment = read.fragment;
		walk->more = read.more;
	}
	walk->next = read.next;
	return PACKET_GO_ON;
}

/*
 * Walk the packet of @length at @ip of the frame, whose first header is of type
 * @next. A later fragment's next header is its first's: the walk ends there.
 * Returns where it ended, or why the packet can't be right.
 */
__attribute__((noinline)) int extensions_walk(struct xdp_md *ctx, __u32 ip, __u32 length,
					      __u32 next)
{
	struct extensions walk = { .next = next, .offset = sizeof(struct ipv6hdr) };
	int problem;

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (!extensions_is_one(walk.next) || walk.fragment)
			return extensions_pack(&walk);
		if (walk.offset + sizeof(struct extension) > length)
			return -LBD_OUTCOME_DROP_BAD_LENGTH;
		problem = extensions_step(ctx, ip, &walk);
		if (problem != PACKET_GO_ON)
			return -problem;
		if (walk.offset > length)
			return -LBD_OUTCOME_DROP_BAD_LENGTH;
	}
	return extensions_is_one(walk.next) && !walk.fragment ? -LBD_OUTCOME_DROP_BAD_HEADER
							      : extensions_pack(&walk);
}

#endif
