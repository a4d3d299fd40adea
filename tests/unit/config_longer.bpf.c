// SPDX-License-Identifier: GPL-2.0-only
/* A packet path of a later lbd: its configuration has a field more. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lbd/generation.h"

const volatile struct {
	struct lbd_generation_config known;
	__u64 more;
} config_longer SEC(LBD_GENERATION_CONFIG_SECTION) = {
	.known = { .abi = LBD_MAPS_ABI, .version = "longer" },
	.more = 7,
};

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	(void)ctx;
	return config_longer.known.features && config_longer.more == 7 ? XDP_PASS : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
