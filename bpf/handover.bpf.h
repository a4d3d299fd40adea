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

/* Field by field: a copy of the whole would put the whole on the stack. */
LBD_INLINE void handover_put(const struct packet *packet)
{
	struct packet *to = handover_get();

	if (!to)
		return;
	to->client = packet->client;
	to->vip = packet->vip;
	to->client_port = packet->client_port;
	to->vip_port = packet->vip_port;
	to->l3 = packet->l3;
	to->l4 = packet->l4;
	to->length = packet->length;
	to->protocol = packet->protocol;
	to->syn = packet->syn;
	to->fin = packet->fin;
	to->more = packet->more;
	to->half = packet->half;
	to->service = packet->service;
	to->backend = packet->backend;
	to->nat = packet->nat;
}

#endif
