// SPDX-License-Identifier: GPL-2.0-only
/*
 * The splitter. It stands in slot RUNNING while a new generation is on trial,
 * and hands each packet to the one that ran before or to the candidate:
 *
 *   root -> splitter -> STABLE      what isn't in the slice, or can't be told
 *                    -> CANDIDATE   the slice: a share of the flows, of all
 *                                   services or of those named
 *
 * A flow stays on one side: its addresses, ports and protocol decide, both
 * directions alike. Fragments and ICMP show no ports, so they are STABLE's, as
 * is all that isn't TCP or UDP. What each service gets is counted by side, so
 * that a flaw that harms a small one shows beside a large one.
 *
 * lbd puts off the deadline for as long as it watches. Once it has passed, all
 * is STABLE's, with nobody's help.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/generations.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/tag.bpf.h"
#include "lbd/mask.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, LBD_SPLIT_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lbd_split SEC(".maps");

LBD_ARRAY(lbd_split_ctl, struct lbd_split_control, BPF_F_MMAPABLE);
LBD_PERCPU(lbd_split_cpu, struct lbd_split_seen);

/* The services that lbd watches, entered before the splitter runs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lbd_split_key);
	__type(value, struct lbd_split_handed);
} lbd_split_svc SEC(".maps");

struct split_flow {
	struct lbd_addr client;
	struct lbd_addr vip;
	__be16 client_port;
	__be16 vip_port;
	__u8 protocol;
};

#define SPLIT_FRAGMENT 0x3fff /* of frag_off: more follow, or not the first */

LBD_INLINE _Bool split_parse_ports(const void *l4, const void *end, struct split_flow *flow)
{
	const __be16 *ports = l4;

	if ((const void *)(ports + 2) > end)
		return 0;
	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return 0;
	flow->client_port = ports[0];
	flow->vip_port = ports[1];
	return 1;
}

LBD_INLINE _Bool split_parse4(const struct iphdr *ip, const void *end, struct split_flow *flow)
{
	if ((const void *)(ip + 1) > end || ip->ihl < 5 || ip->frag_off & bpf_htons(SPLIT_FRAGMENT))
		return 0;
	flow->client = lbd_addr_from4(ip->saddr);
	flow->vip = lbd_addr_from4(ip->daddr);
	flow->protocol = ip->protocol;
	return split_parse_ports((const void *)ip + ip->ihl * 4, end, flow);
}

/* Extension headers aren't walked. */
LBD_INLINE _Bool split_parse6(const struct ipv6hdr *ip, const void *end, struct split_flow *flow)
{
	if ((const void *)(ip + 1) > end)
		return 0;
	flow->client = packet_addr6(&ip->saddr);
	flow->vip = packet_addr6(&ip->daddr);
	flow->protocol = ip->nexthdr;
	return split_parse_ports(ip + 1, end, flow);
}

/* False: whose packet it is can't be told. */
LBD_INLINE _Bool split_parse(struct xdp_md *ctx, struct split_flow *flow)
{
	__u32 l3 = 0;
	const __be16 protocol = tag_frame_protocol(ctx, &l3);
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (protocol == bpf_htons(ETH_P_IP))
		return split_parse4(data + l3, end, flow);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return split_parse6(data + l3, end, flow);
	return 0;
}

LBD_INLINE _Bool split_is_named(const struct lbd_split_control *control,
				const struct split_flow *flow)
{
	__u64 named = 0;

	for (__u32 i = 0; i < LBD_SPLIT_SERVICES; i++) {
		const struct lbd_split_service *service = &control->services[i];
		__u64 other = (service->vip.halves[0] ^ flow->vip.halves[0]) |
			      (service->vip.halves[1] ^ flow->vip.halves[1]);

		if (i >= control->services_count)
			break;
		other |= (__u64)((service->port ^ flow->vip_port) & service->port_mask);
		other |= (__u64)(service->protocol ^ flow->protocol);
		named |= lbd_mask_zero(other);
	}
	return named;
}

LBD_INLINE __u64 split_end(const struct lbd_addr *addr, __be16 port, __u64 secret)
{
	return lbd_mix(lbd_mix(addr->halves[0] ^ secret) ^ addr->halves[1] ^ (__u64)port << 16);
}

/* Where the flow lies among LBD_SPLIT_WHOLE. A sum, so that both directions lie alike. */
LBD_INLINE __u32 split_place(const struct split_flow *flow, __u64 secret)
{
	const __u64 sum = split_end(&flow->client, flow->client_port, secret) +
			  split_end(&flow->vip, flow->vip_port, secret) + flow->protocol;

	return (__u32)((lbd_mix(sum) >> 32) * LBD_SPLIT_WHOLE >> 32);
}

/* May the packet go to CANDIDATE, and does it? */
enum split_side { SPLIT_BESIDE, SPLIT_STABLE, SPLIT_CANDIDATE };

LBD_INLINE enum split_side split_choose(const struct lbd_split_control *control,
					const struct split_flow *flow, _Bool told)
{
	const __u32 share = control->share, from = control->from;
	__u32 place;

	if (share >= LBD_SPLIT_WHOLE && !control->services_count)
		return SPLIT_CANDIDATE;
	if (!told || (control->services_count && !split_is_named(control, flow)))
		return SPLIT_BESIDE;
	place = split_place(flow, control->secret);
	place += place < from ? LBD_SPLIT_WHOLE : 0;
	return place - from < share ? SPLIT_CANDIDATE : SPLIT_STABLE;
}

LBD_INLINE struct lbd_split_seen *split_seen(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lbd_split_cpu, &zero);
}

/* To the service with that port, or else to the one with any. */
LBD_INLINE void split_count_service(const struct split_flow *flow, _Bool candidate)
{
	struct lbd_split_key key = { .vip = flow->vip,
				     .port = flow->vip_port,
				     .protocol = flow->protocol };
	struct lbd_split_handed *handed = bpf_map_lookup_elem(&lbd_split_svc, &key);

	if (!handed) {
		key.port = 0;
		handed = bpf_map_lookup_elem(&lbd_split_svc, &key);
	}
	if (!handed)
		return;
	if (candidate)
		handed->packets[LBD_SPLIT_CANDIDATE]++;
	else
		handed->packets[LBD_SPLIT_STABLE]++;
}

/* Choose and count. */
LBD_INLINE _Bool split_takes(struct xdp_md *ctx)
{
	const struct lbd_split_control *control;
	struct lbd_split_seen *seen = split_seen();
	struct split_flow flow = {};
	enum split_side side;
	__u32 zero = 0;
	_Bool told;

	control = bpf_map_lookup_elem(&lbd_split_ctl, &zero);
	if (!control || !seen)
		return 0;
	if ((__s64)(bpf_jiffies64() - *(volatile __u64 *)&control->deadline) >= 0) {
		seen->packets[LBD_SPLIT_STABLE]++;
		seen->late++;
		return 0;
	}
	told = split_parse(ctx, &flow);
	side = split_choose(control, &flow, told);
	if (told)
		split_count_service(&flow, side == SPLIT_CANDIDATE);
	seen->packets[side == SPLIT_CANDIDATE ? LBD_SPLIT_CANDIDATE : LBD_SPLIT_STABLE]++;
	seen->beside += side == SPLIT_BESIDE;
	return side == SPLIT_CANDIDATE;
}

/* Its slot was empty. */
LBD_INLINE void split_give_back(void)
{
	struct lbd_split_seen *seen = split_seen();

	if (!seen)
		return;
	seen->packets[LBD_SPLIT_CANDIDATE]--;
	seen->packets[LBD_SPLIT_STABLE]++;
	seen->beside++;
}

SEC("xdp")
int lbd_splitter(struct xdp_md *ctx)
{
	if (split_takes(ctx)) {
		bpf_tail_call_static(ctx, &lbd_split, LBD_SPLIT_CANDIDATE);
		split_give_back();
	}
	bpf_tail_call_static(ctx, &lbd_split, LBD_SPLIT_STABLE);
	return generations_none();
}

char _license[] SEC("license") = "GPL";
