// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames from nothing, as live frames of a test-run (tests/tools/flood): TCP
 * SYNs, or pairs of segments, from sources that vary, or from one. Pages come back as the last user
 * left them, so all of the frame is written each time.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lbd/types.h"
#include "tests/cluster/flood.h"

const volatile struct flood_config flood_config SEC(".rodata.flood") = {};
static __u32 flood_random = 2463534242;
static __u32 flood_count;

struct flood_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 padding[6];
} __attribute__((packed));

/* xorshift, period 2^32 - 1. */
LBD_INLINE __u32 flood_next(void)
{
	__u32 x = flood_random;

	if (flood_config.pairs && flood_count++ % 2)
		return x;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	flood_random = x;
	return x;
}

LBD_INLINE __u16 flood_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	struct flood_frame *frame = (void *)(long)ctx->data;
	const __u32 random = flood_next();
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = bpf_htonl(flood_config.source | (random >> 8 & flood_config.vary)),
		.daddr = flood_config.vip,
	};

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memset(frame, 0, sizeof(*frame));
	for (int i = 0; i < ETH_ALEN; i++)
		frame->eth.h_dest[i] = flood_config.mac[i];
	frame->eth.h_source[0] = 2;
	frame->eth.h_source[5] = 0xfd;
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	ip.check = flood_checksum(&ip);
	__builtin_memcpy(&frame->ip, &ip, sizeof(ip));
	frame->tcp.source = bpf_htons(1024 + (random & 0x3fff));
	frame->tcp.dest = flood_config.port;
	frame->tcp.doff = 5;
	frame->tcp.syn = !flood_config.pairs;
	frame->tcp.ack = flood_config.pairs;
	frame->tcp.window = bpf_htons(1024);
	return bpf_redirect(flood_config.ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
