// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream of numbered UDP datagrams over very many flows, as live frames of a
 * test-run, and the sink that they come back to: each flow's datagrams must come
 * once, in their order, by one backend. The sender waits for what is under way, so
 * that no queue of the link overflows: whatever is lost was lost by the balancer.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lbd/types.h"
#include "tests/cluster/stream.h"

const volatile struct stream_config stream_config SEC(".rodata.stream") = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STREAM_FLOWS_MAX);
	__type(key, __u32);
	__type(value, struct stream_flow);
} stream_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct stream_shared);
} stream_shared SEC(".maps");

LBD_INLINE struct stream_shared *stream_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stream_shared, &zero);
}

struct stream_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct stream_stamp stamp;
	__u8 padding[10];
} __attribute__((packed));

LBD_INLINE __u16 stream_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* Pages come back as the last user left them: all of it is written each time. */
LBD_INLINE void stream_write(struct stream_frame *frame, __u32 flow, __u32 number)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(*frame) - sizeof(frame->eth)),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = bpf_htonl(stream_config.source + (flow >> 4)),
		.daddr = stream_config.vip,
	};

	__builtin_memset(frame, 0, sizeof(*frame));
	for (int i = 0; i < ETH_ALEN; i++)
		frame->eth.h_dest[i] = stream_config.mac[i];
	frame->eth.h_source[0] = 2;
	frame->eth.h_source[5] = 0xfd;
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	ip.check = stream_checksum(&ip);
	__builtin_memcpy(&frame->ip, &ip, sizeof(ip));
	frame->udp.source = bpf_htons(1024 + (flow & 15));
	frame->udp.dest = stream_config.port;
	frame->udp.len = bpf_htons(sizeof(*frame) - sizeof(frame->eth) - sizeof(ip));
	frame->stamp.flow = flow;
	frame->stamp.number = number;
}

/* The kernel may put off the rest of the way, and queues overflow if the sender didn't wait. */
LBD_INLINE __s64 stream_under_way(const struct stream_figures *figures)
{
	return figures->sent - figures->received - figures->lost;
}

SEC("xdp")
int source(struct xdp_md *ctx)
{
	struct stream_frame *frame = (void *)(long)ctx->data;
	struct stream_shared *shared = stream_get();
	struct stream_flow *flow;
	__u32 turn;

	if (!shared || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (stream_under_way(&shared->figures) >= STREAM_AHEAD)
		return XDP_DROP;
	turn = shared->turn;
	shared->turn = turn + 1 < shared->flows ? turn + 1 : 0;
	flow = bpf_map_lookup_elem(&stream_table, &turn);
	if (!flow)
		return XDP_ABORTED;
	stream_write(frame, turn, flow->sent++);
	shared->figures.sent++;
	return bpf_redirect(stream_config.ifindex, 0);
}

LBD_INLINE void stream_judge(struct stream_figures *figures, struct stream_flow *flow, __u32 number,
			     __u32 backend)
{
	if (number < flow->expected)
		figures->duplicated++;
	else
		figures->lost += number - flow->expected;
	if (number >= flow->expected)
		flow->expected = number + 1;
	if (flow->backend && flow->backend != backend)
		figures->misrouted++;
	flow->backend = backend;
}

LBD_INLINE void stream_time(struct stream_figures *figures)
{
	const __u64 now = bpf_ktime_get_ns(), last = figures->last_ns;

	if (last && now > last && now - last > figures->gap_ns)
		figures->gap_ns = now - last;
	figures->last_ns = now;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	struct stream_frame *frame = (void *)(long)ctx->data;
	struct stream_shared *shared = stream_get();
	struct stream_flow *flow;
	__u32 turn;

	if (!shared || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (frame->eth.h_proto != bpf_htons(ETH_P_IP) || frame->ip.daddr != stream_config.vip)
		return XDP_PASS;
	turn = frame->stamp.flow;
	flow = bpf_map_lookup_elem(&stream_table, &turn);
	if (!flow)
		return XDP_PASS;
	shared->figures.received++;
	stream_judge(&shared->figures, flow, frame->stamp.number, frame->eth.h_dest[5]);
	stream_time(&shared->figures);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
