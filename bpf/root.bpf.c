// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program that is attached, once, and never replaced in normal life. It
 * hands every packet to the running generation and does nothing else. A tail
 * call with a constant index costs a direct jump.
 */
#include "bpf/generations.bpf.h"

SEC("xdp")
int lbd_root(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &lbd_generations, LBD_GENERATION_RUNNING);
	return generations_none();
}

char _license[] SEC("license") = "GPL";
