/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic UDP encapsulation in the variant that Katran uses: the packet stands
 * right behind UDP, without a GUE header. Its first four bits say which IP it
 * is (variant 1 of draft-ietf-intarea-gue), so Linux takes it off as gue.
 */
#ifndef GUE_BPF_H
#define GUE_BPF_H

#include "bpf/encap.bpf.h"

LBD_INLINE int encap_gue(struct xdp_md *ctx, const struct packet *packet,
			 const struct lbd_backend *backend)
{
	void *udp;
	int problem = encap_open(ctx, packet, backend, LBD_FORWARD_GUE, IPPROTO_UDP, &udp);

	if (problem == PACKET_GO_ON)
		encap_udp(udp, packet, lbd_config.tunnel.gue_port, LBD_FORWARD_GUE);
	return problem;
}

#endif
