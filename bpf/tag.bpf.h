/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VLAN tags: one (IEEE 802.1Q) or two (802.1ad, QinQ). lbd doesn't look at
 * them: a packet leaves with the tags it came with.
 */
#ifndef TAG_BPF_H
#define TAG_BPF_H

#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>

#include "bpf/packet.bpf.h"
#include "lbd/mask.h"

#define TAG_BYTES 4

/* Behind the Ethernet header, whose protocol said that a tag comes. */
struct tag_pair {
	__be16 first_vlan;
	__be16 first_protocol; /* of what follows: a second tag, or IP */
	__be16 second_vlan;
	__be16 second_protocol;
};

LBD_INLINE _Bool tag_is_one(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* By a mask: of two constants the verifier would walk through all that follows twice. */
LBD_INLINE __u32 tag_bytes(const struct tag_pair *tags)
{
	const __u64 two = lbd_mask_zero(tags->first_protocol ^ bpf_htons(ETH_P_8021Q)) |
			  lbd_mask_zero(tags->first_protocol ^ bpf_htons(ETH_P_8021AD));

	return TAG_BYTES + (two & TAG_BYTES);
}

/* What follows the last tag. A third tag is not looked behind. */
LBD_INLINE __be16 tag_protocol(const struct tag_pair *tags)
{
	return tag_is_one(tags->first_protocol) ? tags->second_protocol : tags->first_protocol;
}

/* Copy the tags that stood before the IP header, at @from, to the frame's new start, at @to. */
LBD_INLINE void tag_move(void *to, const void *from, __u32 l3)
{
	if (l3 >= ETH_HLEN + TAG_BYTES)
		*(__u32 *)(to + 2 * ETH_ALEN) = packet_word32(from + 2 * ETH_ALEN);
	if (l3 >= ETH_HLEN + 2 * TAG_BYTES)
		*(__u32 *)(to + 2 * ETH_ALEN + TAG_BYTES) =
			packet_word32(from + 2 * ETH_ALEN + TAG_BYTES);
}

/* What protocol comes at *ret_l3, behind any tags; 0: the frame ends before that can be told. */
LBD_INLINE __be16 tag_frame_protocol(struct xdp_md *ctx, __u32 *ret_l3)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct tag_pair *tags = (const void *)(eth + 1);
	__be16 protocol;

	if ((const void *)(eth + 1) > end)
		return 0;
	protocol = packet_word16(&eth->h_proto);
	*ret_l3 = ETH_HLEN;
	if (!tag_is_one(protocol))
		return protocol;
	if ((const void *)(tags + 1) > end)
		return 0;
	*ret_l3 += tag_bytes(tags);
	return tag_protocol(tags);
}

#endif
