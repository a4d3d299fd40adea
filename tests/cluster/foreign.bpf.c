// SPDX-License-Identifier: GPL-2.0-only
/* A packet path of a later lbd, with tables of another layout. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lbd/generation.h"

const volatile struct lbd_generation_config lbd_config SEC(LBD_GENERATION_CONFIG_SECTION) = {
	.abi = LBD_MAPS_ABI + 1,
};

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	(void)ctx;
	return lbd_config.abi ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
