// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes test-run with a repeat sound for a program that rewrites its frame.
 *
 * The kernel runs a program N times over one buffer and resets neither its
 * bounds nor its bytes: a program that encapsulates would do so once, and then
 * meet its own tunnel. So each iteration starts here: undo what the last one
 * did, make the frame one of the next flow, and tail-call the program under
 * test. A tail call doesn't return, hence undo at
 * entry rather than at exit.
 *
 * The reference, an empty program, goes through exactly the same wrapper, with
 * the same calls, so that the difference is the program alone.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/flow.h"
#include "tests/bench/wrap.h"

const volatile struct wrap_config wrap_config SEC(".rodata.wrap") = {};
struct wrap_state wrap_state SEC(".data.wrap") = {};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, WRAP_TARGETS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} wrap_targets SEC(".maps");

/* By place in the sequence: the headers of the answer to that flow, as its backend sends it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WRAP_WAYS_MAX);
	__type(key, __u32);
	__type(value, struct wrap_way);
} wrap_ways SEC(".maps");

/* Stores are as wide as the loads that follow, or the CPU couldn't forward them. */
LBD_INLINE _Bool wrap_flow4(void *data, const void *end, __u32 flow)
{
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__be16 *port = (void *)(ip + 1);

	if ((void *)(port + 1) > end)
		return 0;
	/* Whole words, as wide as NAT's loads. */
	if (wrap_config.dest4) {
		if ((void *)(port + 2) > end)
			return 0;
		ip->daddr = wrap_config.dest4;
		ip->ttl = 64;
		*(__u32 *)port = bpf_htons(flow_port(flow)) | (__u32)wrap_config.port << 16;
		ip->saddr = bpf_htonl(flow_address4(flow));
		return 1;
	}
	ip->saddr = bpf_htonl(wrap_config.spread ? 0xc6120000 + flow_spread(flow)
						 : flow_address4(flow));
	*port = bpf_htons(flow_port(flow));
	return 1;
}

LBD_INLINE _Bool wrap_flow6(void *data, const void *end, __u32 flow)
{
	struct ipv6hdr *ip = data + sizeof(struct ethhdr);
	__be16 *port = (void *)(ip + 1);

	if ((void *)(port + 1) > end)
		return 0;
	if (wrap_config.spread)
		ip->saddr.in6_u.u6_addr32[1] = bpf_htonl(flow_spread(flow));
	else
		*(__be64 *)&ip->saddr.in6_u.u6_addr32[2] = bpf_cpu_to_be64(flow >> 14);
	*port = bpf_htons(flow_port(flow));
	return 1;
}

/* What NAT changes in an answer, in words as wide as its loads. */
LBD_INLINE _Bool wrap_answer(void *data, const void *end, __u64 place)
{
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 *ports = (void *)(ip + 1), at = place & (wrap_config.flows - 1);
	const struct wrap_way *way = bpf_map_lookup_elem(&wrap_ways, &at);

	if ((void *)(ports + 1) > end || !way)
		return 0;
	ip->ttl = 64;
	ip->saddr = way->source;
	ip->daddr = way->dest;
	*ports = way->ports;
	return 1;
}

LBD_INLINE _Bool wrap_flow(void *data, const void *end, __u64 place)
{
	const __u32 flow = flow_at(place, wrap_config.flows);

	if (wrap_config.answers)
		return wrap_answer(data, end, place);
	return wrap_config.ipv6 ? wrap_flow6(data, end, flow) : wrap_flow4(data, end, flow);
}

LBD_INLINE _Bool wrap_reset(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	long size = end - data;
	__u64 *head;

	/* Or clang adds the constant to a pointer first, which the verifier refuses. */
	asm volatile("" : "+r"(size));
	if (bpf_xdp_adjust_head(ctx, (int)(size - wrap_config.frame_size)))
		return 0;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	head = data;
	if ((void *)(head + 2) > end)
		return 0;
	head[0] = ((const __u64 *)wrap_state.head)[0];
	head[1] = ((const __u64 *)wrap_state.head)[1];
	return wrap_flow(data, end, wrap_state.place++);
}

/* One program for all targets: it stands on an interface (wrapper.c), which takes one. */
SEC("xdp")
int wrap(struct xdp_md *ctx)
{
	if (!wrap_reset(ctx))
		goto failed;
	if (wrap_state.target == WRAP_EMPTY)
		bpf_tail_call_static(ctx, &wrap_targets, WRAP_EMPTY);
	else if (wrap_state.target == WRAP_OVER)
		bpf_tail_call_static(ctx, &wrap_targets, WRAP_OVER);
	else
		bpf_tail_call_static(ctx, &wrap_targets, WRAP_PROGRAM);
failed:
	wrap_state.failed++;
	return XDP_ABORTED;
}

/* The reference: what a frame costs without any work. */
SEC("xdp")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
