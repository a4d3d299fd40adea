// SPDX-License-Identifier: GPL-2.0-only
/*
 * A wire between two veth links: what comes in on one end goes out of the other
 * as a frame. So whoever is behind it is fed as by a network card's driver, and
 * the copy that veth makes of each packet of a socket is the wire's.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* By the index of the end that a packet came in on: the other one. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} wire_ends SEC(".maps");

SEC("xdp")
int wire(struct xdp_md *ctx)
{
	return (int)bpf_redirect_map(&wire_ends, ctx->ingress_ifindex, XDP_DROP);
}

char _license[] SEC("license") = "GPL";
