/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Internet checksum (RFC 1071), whole and incremental (RFC 1624).
 *
 * A sum is made of words as they lie in the packet, and so is right on either
 * byte order. Unfolded sums may be added to each other; the checksum in a
 * header is the complement of the folded one.
 */
#ifndef CSUM_BPF_H
#define CSUM_BPF_H

#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/packet.bpf.h"

LBD_INLINE __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* The checksum @check after @old, a word of 16 or 32 bits that it covers, became @new. */
LBD_INLINE __u16 csum_replace(__u16 check, __u32 old, __u32 new)
{
	return ~csum_fold((__u64)(__u16)~check + (__u32)~old + new);
}

LBD_INLINE __u16 csum_replace_addr(__u16 check, const struct lbd_addr *old,
				   const struct lbd_addr *new)
{
	__u64 sum = (__u16)~check;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += (__u64)(__u32)~old->words[i] + new->words[i];
	return ~csum_fold(sum);
}

/* Of an IPv4 header of 20 bytes whose own field is 0. */
LBD_INLINE __u16 csum_ipv4(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* Sum of what the pseudo-header of TCP, UDP and ICMPv6 says (RFC 8200, 8.1). */
LBD_INLINE __u64 csum_pseudo6(const void *source, const void *dest, __u32 length, __u8 next)
{
	__u64 sum = (__u64)bpf_htonl(length) + bpf_htonl(next);

#pragma unroll
	for (int i = 0; i < 16; i += 4)
		sum += (__u64)packet_word32(source + i) + packet_word32(dest + i);
	return sum;
}

#define CSUM_BLOCK 32
#define CSUM_BLOCKS 48
#define CSUM_OFFSET_MAX 255

/* Where csum_frame is, and what it has; at: NULL once the frame has ended. */
struct csum_walk {
	const void *at;
	const void *end;
	__u32 sum;
};

/* @size is a constant, a multiple of 4. */
LBD_INLINE void csum_step(struct csum_walk *walk, const __u32 size)
{
	if (!walk->at)
		return;
	if (walk->at + size > walk->end) {
		walk->at = NULL;
		return;
	}
	walk->sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)walk->at, size, walk->sum);
	walk->at += size;
}

/* The last bytes, fewer than four, with zeros behind them. */
LBD_INLINE void csum_rest(struct csum_walk *walk, __u32 size)
{
	const __u8 *at = walk->at;
	__u8 bytes[4] = {};

#pragma unroll
	for (__u32 i = 0; i < 3 && at; i++) {
		if (i >= size)
			break;
		if (at + i + 1 > (const __u8 *)walk->end) {
			walk->at = NULL;
			return;
		}
		bytes[i] = at[i];
	}
	walk->sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)bytes, sizeof(bytes), walk->sum);
}

/*
 * The folded sum of @length bytes of the frame from @offset on, and of @sum.
 * Walks the bytes: for answers that are made whole, not for the packet path.
 * Negative if the frame ends before, or for more than CSUM_BLOCKS blocks.
 */
__attribute__((noinline)) int csum_frame(struct xdp_md *ctx, __u32 offset, __u32 length, __u32 sum)
{
	struct csum_walk walk = {
		.at = (void *)(long)ctx->data + (offset & CSUM_OFFSET_MAX),
		.end = (void *)(long)ctx->data_end,
		.sum = sum,
	};

	for (int i = 0; i < CSUM_BLOCKS && length >= CSUM_BLOCK; i++, length -= CSUM_BLOCK)
		csum_step(&walk, CSUM_BLOCK);
	if (length & 16)
		csum_step(&walk, 16);
	if (length & 8)
		csum_step(&walk, 8);
	if (length & 4)
		csum_step(&walk, 4);
	csum_rest(&walk, length & 3);
	return walk.at && length < CSUM_BLOCK ? csum_fold(walk.sum) : -1;
}

#endif
