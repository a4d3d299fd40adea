/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VXLAN (RFC 7348) and Geneve (RFC 8926, without options) carry Ethernet in
 * UDP, and differ in eight bytes:
 *
 *   VXLAN   flags: the VNI is valid           | VNI, 24 bits | 0
 *   Geneve  what follows: bridged Ethernet    | VNI, 24 bits | 0
 *
 * The frame inside is from a constant MAC address to the configured one, which
 * the backend's device must have. Geneve could do without that frame, but a
 * device of Linux takes bare IP only with inner-proto-inherit.
 */
#ifndef OVERLAY_BPF_H
#define OVERLAY_BPF_H

#include "bpf/encap.bpf.h"

#define OVERLAY_VXLAN 0x08000000
#define OVERLAY_GENEVE 0x6558 /* transparent Ethernet bridging */
#define OVERLAY_VNI 0xffffff00

struct overlay {
	struct udphdr udp;
	__be32 first;
	__be32 vni;
	__u32 inner_macs[3];
	__be16 inner_type;
} __attribute__((packed));

_Static_assert(sizeof(struct overlay) == sizeof(struct udphdr) + ENCAP_OVERLAY,
	       "what encap_between says");

LBD_INLINE int encap_overlay(struct xdp_md *ctx, const struct packet *packet,
			     const struct lbd_backend *backend, const __u8 forward, __be16 port,
			     __u32 first, _Bool v6)
{
	struct overlay *overlay;
	int problem = encap_open(ctx, packet, backend, forward, IPPROTO_UDP, (void **)&overlay);

	if (problem != PACKET_GO_ON)
		return problem;
	encap_udp((void *)overlay, packet, port, forward);
	overlay->first = bpf_htonl(first);
	overlay->vni = packet_word32(backend->vni) & bpf_htonl(OVERLAY_VNI);
	overlay->inner_macs[0] = lbd_config.tunnel.inner_macs[0];
	overlay->inner_macs[1] = lbd_config.tunnel.inner_macs[1];
	overlay->inner_macs[2] = lbd_config.tunnel.inner_macs[2];
	overlay->inner_type = v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return PACKET_GO_ON;
}

LBD_INLINE int encap_vxlan(struct xdp_md *ctx, const struct packet *packet,
			   const struct lbd_backend *backend, _Bool v6)
{
	return encap_overlay(ctx, packet, backend, LBD_FORWARD_VXLAN, lbd_config.tunnel.vxlan_port,
			     OVERLAY_VXLAN, v6);
}

LBD_INLINE int encap_geneve(struct xdp_md *ctx, const struct packet *packet,
			    const struct lbd_backend *backend, _Bool v6)
{
	return encap_overlay(ctx, packet, backend, LBD_FORWARD_GENEVE,
			     lbd_config.tunnel.geneve_port, OVERLAY_GENEVE, v6);
}

#endif
