/* SPDX-License-Identifier: GPL-2.0-only */
/* GRE (RFC 2784): four bytes, without checksum, key and sequence number. */
#ifndef GRE_BPF_H
#define GRE_BPF_H

#include "bpf/encap.bpf.h"

LBD_INLINE int encap_gre(struct xdp_md *ctx, const struct packet *packet,
			 const struct lbd_backend *backend, _Bool v6)
{
	void *gre;
	int problem = encap_open(ctx, packet, backend, LBD_FORWARD_GRE, IPPROTO_GRE, &gre);

	if (problem == PACKET_GO_ON)
		*(__be32 *)gre = bpf_htonl(v6 ? ETH_P_IPV6 : ETH_P_IP);
	return problem;
}

#endif
