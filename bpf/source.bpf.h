/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources that no client has. Asked only of a packet whose flow isn't in the
 * connection table: such a flow never gets in, so known ones needn't be asked.
 */
#ifndef SOURCE_BPF_H
#define SOURCE_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/packet.bpf.h"
#include "bpf/vip.bpf.h"

/* 0/8, 127/8, multicast, and what is reserved above it (RFC 6890). */
LBD_INLINE _Bool source_martian4(__be32 source)
{
	const __u8 first = (__u8)source;

	return !first || first == 127 || first >= 224;
}

/* ::/127 (unspecified, loopback), IPv4-mapped, multicast (RFC 6890, RFC 4291). */
LBD_INLINE _Bool source_martian6(const struct lbd_addr *source)
{
	if (source->bytes[0] == 0xff)
		return 1;
	if (source->halves[0])
		return 0;
	return lbd_addr_is4(source) || (!source->words[2] && bpf_ntohl(source->words[3]) <= 1);
}

/* Returns PACKET_GO_ON, or why no connection comes from there. */
LBD_INLINE int source_check(const struct packet *packet, _Bool v6)
{
	if (v6 ? source_martian6(&packet->client) : source_martian4(packet->client.words[3]))
		return LBD_OUTCOME_DROP_MARTIAN;
	if (vip_is_one(packet, vip_salt(packet), &packet->client))
		return LBD_OUTCOME_DROP_VIP_SOURCE;
	return PACKET_GO_ON;
}

#endif
