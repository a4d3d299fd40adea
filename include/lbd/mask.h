/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * Choosing by masks instead of branches: eight slots with five branches each
 * would give the processor mispredictions and the verifier a hundred thousand
 * ways to walk. The empty asm keeps the compiler from making branches again.
 */
#ifndef LBD_MASK_H
#define LBD_MASK_H

#include "lbd/types.h"

#define LBD_OPAQUE(x) __asm__ volatile("" : "+r"(x))

/* All ones if @a < @b, else 0. Both below 2^63. */
LBD_INLINE __u64 lbd_mask_less(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	LBD_OPAQUE(difference);
	return (__u64)((__s64)difference >> 63);
}

/* All ones if @x is 0, else 0. */
LBD_INLINE __u64 lbd_mask_zero(__u64 x)
{
	__u64 any = x | -x;

	LBD_OPAQUE(any);
	return (any >> 63) - 1;
}

LBD_INLINE __u64 lbd_select(__u64 mask, __u64 yes, __u64 no)
{
	return no ^ ((yes ^ no) & mask);
}

#endif
