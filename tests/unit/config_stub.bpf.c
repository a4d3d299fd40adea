// SPDX-License-Identifier: GPL-2.0-only
/* The right ABI, but less of a configuration than any packet path ever had. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lbd/generation.h"

const volatile __u32 config_stub[4] SEC(LBD_GENERATION_CONFIG_SECTION) = { LBD_MAPS_ABI };

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	(void)ctx;
	return config_stub[1] ? XDP_PASS : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
