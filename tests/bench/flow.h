/* SPDX-License-Identifier: GPL-2.0-only OR GPL-2.0-or-later */
/*
 * The flows of a benchmark: a number to a client's address and port. One text
 * for the wrapper, which writes them, and for the loader, which proves them.
 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include "lbd/types.h"

#define FLOW_EACH_NEW 0 /* instead of a number of flows: every packet is a new one */
#define FLOW_SPACE (1U << 31)

/*
 * Which flow the packet at @place of the sequence belongs to. An odd factor
 * makes a permutation of any power of two, so that each flow comes once a round, in an
 * order that no prefetcher foresees once the table's hash has been over it.
 */
LBD_INLINE __u32 flow_at(__u64 place, __u32 flows)
{
	return (__u32)place * 2654435761U & ((flows == FLOW_EACH_NEW ? FLOW_SPACE : flows) - 1);
}

/* 14 bits of it are the port, the rest the address: within 198.18.0.0/15, host order. */
LBD_INLINE __u32 flow_address4(__u32 flow)
{
	return 0xc6120000 + (flow >> 14);
}

/*
 * Instead of that, an address of its own for most flows: the guard looks at
 * nothing else. Even ones within 17 bits; with the port they are still unique.
 */
LBD_INLINE __u32 flow_spread(__u32 flow)
{
	return ((flow >> 14) + (flow & 0x3fff) * 8) * 2 & 0x1ffff;
}

LBD_INLINE __u16 flow_port(__u32 flow)
{
	return 1024 + (flow & 0x3fff);
}

#endif
