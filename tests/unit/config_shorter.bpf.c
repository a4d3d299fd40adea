// SPDX-License-Identifier: GPL-2.0-only
/* A packet path of an earlier lbd: its configuration ends where its stages stand. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lbd/generation.h"

#define CONFIG_SHORTER (__builtin_offsetof(struct lbd_generation_config, bank) / sizeof(__u32) + 1)

const volatile __u32 config_shorter[CONFIG_SHORTER] SEC(LBD_GENERATION_CONFIG_SECTION) = {
	LBD_MAPS_ABI,
};

SEC("xdp")
int lbd_lb(struct xdp_md *ctx)
{
	(void)ctx;
	return config_shorter[1] ? XDP_PASS : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
