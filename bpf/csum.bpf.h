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
#define CSUM_LENGTH_MASK 0x7ff
#define CSUM_OFFSET_MASK 0xff

/* The last bytes, fewer than four, with zeros behind them. -1 if the frame ends before. */
LBD_INLINE int csum_rest(const __u8 *at, const void *end, __u32 size, __u32 sum)
{
	__u8 bytes[4] = {};

#pragma unroll
	for (__u32 i = 0; i < 3; i++) {
		if (i >= size)
			break;
		if (at + i + 1 > (const __u8 *)end)
			return -1;
		bytes[i] = at[i];
	}
	return csum_fold((__u32)bpf_csum_diff(NULL, 0, (__be32 *)bytes, sizeof(bytes), sum));
}

/* The folded sum of @sum and the bytes from @at on, fewer than a block. */
LBD_INLINE int csum_tail(const void *at, const void *end, __u32 size, __u32 sum)
{
#pragma unroll
	for (__u32 piece = CSUM_BLOCK / 2; piece >= 4; piece /= 2) {
		if (!(size & piece))
			continue;
		if (at + piece > end)
			return -1;
		sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)at, piece, sum);
		at += piece;
	}
	return csum_rest(at, end, size & 3, sum);
}

/*
 * The folded sum of @length bytes of the frame from @offset on, and of @sum.
 * Walks the bytes: for answers that are made whole, not for the packet path.
 * Negative if the frame ends before, or for more than CSUM_BLOCKS blocks.
 *
 * The tail is found by @length, not by where the walk has ended: so to the
 * verifier all ends of the walk are one, and it goes on from there once.
 */
__attribute__((noinline)) int csum_frame(struct xdp_md *ctx, __u32 offset, __u32 length, __u32 sum)
{
	const void *start = (void *)(long)ctx->data + (offset & CSUM_OFFSET_MASK);
	const void *end = (void *)(long)ctx->data_end;
	const void *at = start;
	__u32 blocks = length / CSUM_BLOCK;
	__u32 whole = length & CSUM_LENGTH_MASK & ~(CSUM_BLOCK - 1);

	if (length >= CSUM_BLOCKS * CSUM_BLOCK)
		return -1;
	asm volatile("" : "+r"(blocks), "+r"(whole));
	for (__u32 i = 0; i < CSUM_BLOCKS && i < blocks; i++) {
		if (at + CSUM_BLOCK > end)
			return -1;
		sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)at, CSUM_BLOCK, sum);
		at += CSUM_BLOCK;
	}
	return csum_tail(start + (whole & CSUM_LENGTH_MASK), end, length & (CSUM_BLOCK - 1), sum);
}

#endif
