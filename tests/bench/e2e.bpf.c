// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ends of the end-to-end benchmark, and what lbd is compared with there.
 *
 *   generate   makes a frame from nothing and sends it out of the client
 *   redirect   the least that any XDP balancer must do: MACs and a devmap
 *   sink_xdp   counts and drops frames at the backend
 *   sink_tc    the same for packets that the kernel's stack forwarded
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/e2e.bpf.h"

const volatile struct e2e_config e2e_config SEC(".rodata.e2e") = {};
struct e2e_state e2e_state SEC(".data.e2e") = {};

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} e2e_tx SEC(".maps");

struct e2e_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* Sum of an IPv4 header's words, folded and inverted (RFC 1071). */
LBD_INLINE __u16 e2e_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

LBD_INLINE void e2e_address(void *eth, const volatile __u32 macs[3])
{
	__u32 *words = eth;

	words[0] = macs[0];
	words[1] = macs[1];
	words[2] = macs[2];
}

/* Which flow comes next: random, as xorshift makes it, of exactly the number asked for. */
LBD_INLINE __u32 e2e_next_flow(void)
{
	__u32 x = e2e_state.random;

	if (!e2e_state.flows)
		return e2e_state.next++ % E2E_FLOWS_MAX;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	e2e_state.random = x;
	return (__u32)((__u64)x * e2e_state.flows >> 32);
}

LBD_INLINE void e2e_write(struct e2e_frame *frame, __u32 flow)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(E2E_FRAME - sizeof(struct ethhdr)),
		.frag_off = bpf_htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = bpf_htonl(E2E_CLIENTS + (flow >> 10)),
		.daddr = bpf_htonl(E2E_VIP),
	};

	ip.check = e2e_checksum(&ip);
	e2e_address(&frame->eth, e2e_config.generate_macs);
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	__builtin_memcpy(&frame->ip, &ip, sizeof(ip));
	frame->udp.source = bpf_htons(1024 + (flow & 1023));
	frame->udp.dest = bpf_htons(E2E_PORT);
	frame->udp.len = bpf_htons(E2E_FRAME - sizeof(struct ethhdr) - sizeof(ip));
	frame->udp.check = 0;
}

/* Under BPF_F_TEST_XDP_LIVE_FRAMES: pages come back as the last user left them. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct e2e_frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	e2e_write(frame, e2e_next_flow());
	return bpf_redirect(e2e_config.generate_ifindex, 0);
}

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	e2e_address(eth, e2e_config.forward_macs);
	return bpf_redirect_map(&e2e_tx, 0, XDP_DROP);
}

SEC("xdp")
int sink_xdp(struct xdp_md *ctx)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;

	if ((const void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	e2e_state.received++;
	return XDP_DROP;
}

SEC("tc")
int sink_tc(struct __sk_buff *skb)
{
	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	e2e_state.received++;
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
