/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one stage knows of a packet, for the next: a tail call leaves nothing
 * else behind. Of this generation, not pinned. XDP programs don't interrupt
 * each other on a CPU.
 */
#ifndef HANDOVER_BPF_H
#define HANDOVER_BPF_H

#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"

LBD_PERCPU(lbd_handover, struct packet);

LBD_INLINE struct packet *handover_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lbd_handover, &zero);
}

LBD_INLINE void handover_put(const struct packet *packet)
{
	struct packet *to = handover_get();

	if (to)
		*to = *packet;
}

#endif
