// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backend's tunnel end for kernels without ipip and ip6tnl devices: takes
 * the outer header off 4in4, 6in6, 6in4 and 4in6 and passes what was inside.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The outer header of a packet: how long, and what comes after it. */
struct outer {
	__u32 length;
	__u8 inner;
};

static __always_inline struct outer outer4(const struct iphdr *ip, const void *end)
{
	struct outer none = { 0 };

	if ((const void *)(ip + 1) > end || ip->ihl != 5)
		return none;
	return (struct outer){ sizeof(*ip), ip->protocol };
}

static __always_inline struct outer outer6(const struct ipv6hdr *ip6, const void *end)
{
	struct outer none = { 0 };

	if ((const void *)(ip6 + 1) > end)
		return none;
	return (struct outer){ sizeof(*ip6), ip6->nexthdr };
}

static __always_inline __be16 inner_type(__u8 protocol)
{
	if (protocol == IPPROTO_IPIP)
		return bpf_htons(ETH_P_IP);
	return protocol == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
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
	link.h_proto = inner_type(outer.inner);
	return link.h_proto ? strip(ctx, link, outer.length) : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
