// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet path that passes every formal check, and swallows everything. Only
 * the golden packets can tell.
 */
#include <linux/bpf.h>

#include "bpf/config.bpf.h"

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	(void)ctx;
	return lbd_config.abi ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
