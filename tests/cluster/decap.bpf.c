// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backend's tunnel end for kernels without ipip, ip6tnl, fou, gre and geneve
 * devices: takes the headers off 4in4, 6in6, 6in4 and 4in6, off GUE without a
 * header of its own, off GRE and off Geneve, and passes what was inside. What
 * isn't quite as it must be goes on untouched, and ends nowhere.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define GUE_PORT 6080
#define GENEVE_PORT 6081
#define GENEVE_ETHERNET 0x6558
#define OUTER_IHL 5
#define VNI 7

/* The headers of a tunnel: how long, and the Ethernet type of what comes after. */
struct outer {
	__u32 length;
	__be16 inner;
};

static const struct outer no_tunnel;

struct geneve {
	__be32 first;
	__be32 vni;
	struct ethhdr inner;
} __attribute__((packed));

static __always_inline struct outer gue(const void *at, const void *end, __u32 length)
{
	const __u8 *version = at;

	if (at + 1 > end)
		return no_tunnel;
	return (struct outer){ length,
			       *version >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP) };
}

static __always_inline struct outer geneve(const void *at, const void *end, __u32 length)
{
	static const __u8 mac[ETH_ALEN] = { 0x02, 0x4c, 0x42, 0x44, 0x00, 0x01 };
	const struct geneve *header = at;

	if ((const void *)(header + 1) > end || header->first != bpf_htonl(GENEVE_ETHERNET) ||
	    header->vni != bpf_htonl(VNI << 8))
		return no_tunnel;
	for (int i = 0; i < ETH_ALEN; i++)
		if (header->inner.h_dest[i] != mac[i])
			return no_tunnel;
	return (struct outer){ length + sizeof(*header), header->inner.h_proto };
}

static __always_inline struct outer udp(const struct udphdr *udp, const void *end, __u32 length)
{
	if ((const void *)(udp + 1) > end || udp->check)
		return no_tunnel;
	length += sizeof(*udp);
	if (udp->dest == bpf_htons(GUE_PORT))
		return gue(udp + 1, end, length);
	if (udp->dest == bpf_htons(GENEVE_PORT))
		return geneve(udp + 1, end, length);
	return no_tunnel;
}

static __always_inline struct outer gre(const __be16 *header, const void *end, __u32 length)
{
	if ((const void *)(header + 2) > end || header[0])
		return no_tunnel;
	return (struct outer){ length + 4, header[1] };
}

static __always_inline struct outer tunnel(__u8 protocol, const void *at, const void *end,
					   __u32 length)
{
	switch (protocol) {
	case IPPROTO_IPIP:
		return (struct outer){ length, bpf_htons(ETH_P_IP) };
	case IPPROTO_IPV6:
		return (struct outer){ length, bpf_htons(ETH_P_IPV6) };
	case IPPROTO_GRE:
		return gre(at, end, length);
	case IPPROTO_UDP:
		return udp(at, end, length);
	default:
		return no_tunnel;
	}
}

static __always_inline struct outer outer4(const struct iphdr *ip, const void *end)
{
	if ((const void *)(ip + 1) > end || ip->ihl != OUTER_IHL)
		return no_tunnel;
	return tunnel(ip->protocol, ip + 1, end, sizeof(*ip));
}

static __always_inline struct outer outer6(const struct ipv6hdr *ip6, const void *end)
{
	if ((const void *)(ip6 + 1) > end)
		return no_tunnel;
	return tunnel(ip6->nexthdr, ip6 + 1, end, sizeof(*ip6));
}

static __always_inline int strip(struct xdp_md *ctx, struct ethhdr link, __u32 length)
{
	struct ethhdr *eth;

	if (bpf_xdp_adjust_head(ctx, (int)length))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = link;
	return XDP_PASS;
}

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	struct outer outer = { 0 };
	struct ethhdr link;

	if ((const void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		outer = outer4((const void *)(eth + 1), end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		outer = outer6((const void *)(eth + 1), end);
	link = *eth;
	link.h_proto = outer.inner;
	return link.h_proto ? strip(ctx, link, outer.length) : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
