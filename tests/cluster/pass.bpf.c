// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing, in XDP. A veth hands over what its peer sends by XDP_TX only if a
 * program stands here as well: this one stands on the switch's side.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
