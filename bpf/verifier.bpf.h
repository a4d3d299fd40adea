/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Help for the verifier. It walks through what follows a place once for each
 * state in which it comes there: two ways that meet, and differ in one number
 * that it knows, are two walks to the end of the program. Older kernels (5.15)
 * compare every number, newer ones those that bounds or offsets depend on.
 */
#ifndef VERIFIER_BPF_H
#define VERIFIER_BPF_H

#include "lbd/types.h"

/* @x, of which the verifier knows nothing any more: of half a stack slot it keeps nothing. */
LBD_INLINE __u32 verifier_forget(__u32 x)
{
	volatile struct {
		__u32 unused;
		__u32 x;
	} __attribute__((aligned(8))) half;

	half.x = x;
	return half.x;
}

/* Nothing, of which the verifier knows only that it is less than 4: what is read that far on it doesn't know. */
LBD_INLINE __u64 verifier_nothing(__u64 any)
{
	__u64 x = any;

	asm volatile("%0 ^= %1" : "+&r"(x) : "r"(any));
	return x & 3;
}

#endif
