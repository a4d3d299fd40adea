/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments (RFC 791, RFC 8200 4.5). Only the first of a datagram shows ports.
 * It is balanced like any packet, and remembers its backend for the others:
 *
 *   first                  as its flow, entered in lbd_fragments
 *   later, first known     to the backend of the first; translated as that was
 *                          (nat_fragment.bpf.h)
 *   later, first unknown   to lbd, which holds it until the first has come;
 *                          dropped if nobody listens there, or it may not come
 *   over the first's data  dropped: it could only mean to change what was seen
 *
 * Those of neither TCP nor UDP, pings say, are the kernel's.
 */
#ifndef FRAGMENT_BPF_H
#define FRAGMENT_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/clock.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/extensions.bpf.h"
#include "bpf/forward.bpf.h"
#include "bpf/guard.bpf.h"
#include "bpf/handover.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/parse.bpf.h"
#include "bpf/source.bpf.h"
#include "bpf/tag.bpf.h"
#include "bpf/vip.bpf.h"

/* What the IP header, or the fragment header, says. */
struct fragment {
	struct lbd_fragment_key key;
	__u32 offset;  /* of its data in the datagram's */
	__u32 size;    /* of its data */
	__u32 length;  /* of the IP packet */
	__u8 protocol; /* as this fragment says it */
	__u8 traffic;
	__u16 unused;
};

LBD_INLINE _Bool fragment_read_ipv4(const struct iphdr *ip, const void *end, struct fragment *ret)
{
	__u32 header;

	if ((const void *)(ip + 1) > end)
		return 0;
	header = ip->ihl * 4;
	ret->length = bpf_ntohs(ip->tot_len);
	if (header < sizeof(*ip) || header >= ret->length)
		return 0;
	ret->key.client = lbd_addr_from4(ip->saddr);
	ret->key.vip = lbd_addr_from4(ip->daddr);
	ret->key.id = ip->id;
	ret->key.protocol = ip->protocol;
	ret->protocol = ip->protocol;
	ret->traffic = ip->tos;
	ret->offset = (bpf_ntohs(ip->frag_off) & IPV4_OFFSET_MASK) * 8;
	ret->size = ret->length - header;
	return 1;
}

/* What the fragment header at @at says. The next header that later ones have doesn't count. */
LBD_INLINE _Bool fragment_read_header(struct xdp_md *ctx, __u32 at, struct fragment *ret)
{
	const struct extension *header = (void *)(long)ctx->data + (at & EXTENSIONS_OFFSET_MAX);

	if ((const void *)(header + 1) > (void *)(long)ctx->data_end)
		return 0;
	ret->key.id = header->id;
	ret->protocol = header->next;
	ret->offset = bpf_ntohs(header->place) & EXTENSION_OFFSET;
	return 1;
}

/* To the fragment header of the packet at @ip, whose first header is of type @next. */
LBD_INLINE _Bool fragment_find_ipv6(struct xdp_md *ctx, __u32 ip, __u8 next, struct fragment *ret)
{
	struct extensions walk = { .next = next, .offset = sizeof(struct ipv6hdr) };

#pragma unroll
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (!extensions_is_one(walk.next) ||
		    walk.offset + sizeof(struct extension) >= ret->length)
			return 0;
		if (walk.next == EXTENSION_FRAGMENT) {
			ret->size = ret->length - walk.offset - sizeof(struct extension);
			return fragment_read_header(ctx, ip + walk.offset, ret);
		}
		if (extensions_step(ctx, ip, &walk) != PACKET_GO_ON)
			return 0;
	}
	return 0;
}

LBD_INLINE _Bool fragment_read_ipv6(struct xdp_md *ctx, __u32 l3, struct fragment *ret)
{
	const struct ipv6hdr *ip = (void *)(long)ctx->data + l3;

	if ((const void *)(ip + 1) > (void *)(long)ctx->data_end)
		return 0;
	ret->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	ret->key.client = packet_addr6(&ip->saddr);
	ret->key.vip = packet_addr6(&ip->daddr);
	ret->traffic = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	return fragment_find_ipv6(ctx, l3, ip->nexthdr, ret);
}

LBD_INLINE _Bool fragment_read(struct xdp_md *ctx, struct fragment *ret)
{
	__u32 l3 = 0;
	const __be16 protocol = tag_frame_protocol(ctx, &l3);
	const void *at = (void *)(long)ctx->data + l3;

	if (protocol == bpf_htons(ETH_P_IP))
		return fragment_read_ipv4(at, (void *)(long)ctx->data_end, ret);
	return protocol == bpf_htons(ETH_P_IPV6) && fragment_read_ipv6(ctx, l3, ret);
}

/* Not inlined: the verifier follows each way of reading to its end, not through what comes after. */
__attribute__((noinline)) int fragment_read_apart(struct xdp_md *ctx, struct fragment *ret)
{
	struct fragment fragment = {};
	_Bool whole = fragment_read(ctx, &fragment);

	if (!ret)
		return 0;
	*ret = fragment;
	return whole;
}

/*
 * The first fragment goes there: so shall the others.
 * @target: service and, above it, backend; @ports: source's and, above it,
 * destination's; @how: attempt at which its flow is translated and, above it,
 * the flow's protocol, which a header behind the fragment header keeps from
 * view; @ifindex: where it goes out, if no backend says so.
 */
__attribute__((noinline)) int fragment_remember(struct xdp_md *ctx, __u32 target, __u32 ports,
						__u32 how, __u32 ifindex)
{
	struct fragment fragment = {};
	struct lbd_fragment entry = {};

	if (!config_writes() || !fragment_read(ctx, &fragment))
		return 0;
	entry.seen = clock_jiffies();
	entry.service = (__u16)target;
	entry.backend = target >> 16;
	entry.client_port = (__u16)ports;
	entry.vip_port = ports >> 16;
	entry.size = fragment.size;
	entry.protocol = how >> 8;
	entry.nat = (__u8)how;
	entry.ifindex = ifindex;
	return !bpf_map_update_elem(&lbd_fragments, &fragment.key, &entry, BPF_ANY);
}

/* May it wait for its first? Those to a NAT address come from backends, which are asked nothing. */
LBD_INLINE int fragment_guard(const struct fragment *fragment, _Bool v6)
{
	struct packet packet = { .client = fragment->key.client };
	const __u32 salt = vip_snapshot(&packet);
	const struct lbd_vip *vip;
	int problem;

	if (config_has(LBD_FEATURE_NAT)) {
		vip = vip_lookup(&packet, salt, &fragment->key.vip, 0, 0);
		if (vip && vip->translated)
			return PACKET_GO_ON;
	}
	problem = source_check(&packet, v6);
	return problem == PACKET_GO_ON ? guard_stranger(&packet, 0, v6) : problem;
}

/* Nobody has seen its first: lbd may hold it. */
LBD_INLINE int fragment_hold(struct xdp_md *ctx, const struct fragment *fragment, int *ret_action,
			     _Bool v6)
{
	const __u32 ifindex = ctx->ingress_ifindex, queue = ctx->rx_queue_index;
	const int problem = fragment_guard(fragment, v6);
	const __u32 *number;

	if (problem != PACKET_GO_ON)
		return problem;
	number = bpf_map_lookup_elem(&lbd_xsk_slots, &ifindex);
	if (!number || queue >= LBD_XSK_QUEUES)
		return LBD_OUTCOME_DROP_FRAGMENT;
	*ret_action = bpf_redirect_map(&lbd_xsks, lbd_xsk_slot(*number, queue), XDP_DROP);
	return *ret_action == XDP_REDIRECT ? LBD_OUTCOME_HOLD_FRAGMENT : LBD_OUTCOME_DROP_FRAGMENT;
}

#define FRAGMENT_STAGE_NAT (-2)

/* May the backend of the first have the others? It may have gone, and another have its index. */
LBD_INLINE _Bool fragment_keeps(const struct packet *packet, const struct lbd_backend *backend)
{
	return backend && backend->service == packet->service && backend->state != LBD_BACKEND_GONE;
}

/* Returns the outcome, or FRAGMENT_STAGE_NAT with the packet handed over. */
LBD_INLINE int fragment_forward(struct xdp_md *ctx, const struct fragment *fragment,
				const struct lbd_fragment *entry, __u32 l3, int *ret_action,
				_Bool v6)
{
	struct packet packet = {
		.client = fragment->key.client,
		.vip = fragment->key.vip,
		.client_port = entry->client_port,
		.vip_port = entry->vip_port,
		.l3 = l3,
		.length = fragment->length,
		.protocol = entry->protocol,
		.traffic = fragment->traffic,
		.fragment = 1,
		.service = entry->service,
		.backend = entry->backend,
		.nat = entry->nat,
	};
	const __u16 index = entry->backend;
	const struct lbd_backend *backend;
	int outcome = LBD_OUTCOME_FORWARD_FRAGMENT, problem;

	vip_snapshot(&packet);
	/* An answer to a NAT address is of no service: backends are asked nothing. */
	problem = packet.service ? guard(&packet, v6) : PACKET_GO_ON;
	if (problem != PACKET_GO_ON)
		return problem;
	if (config_has(LBD_FEATURE_NAT) && entry->nat) {
		handover_put(&packet);
		return FRAGMENT_STAGE_NAT;
	}
	backend = conn_backend(&packet, index);
	/* To be translated, but its first was not: it came before the service's last change. */
	if (!fragment_keeps(&packet, backend) ||
	    forward_is(backend, LBD_FORWARD_NAT, LBD_FEATURE_NAT))
		return LBD_OUTCOME_DROP_FRAGMENT;
	*ret_action = forward_way(ctx, &packet, index, &outcome, FORWARD_WITHOUT_NAT, v6);
	trace_target(packet.service, index);
	return outcome;
}

/* A later fragment to a VIP or NAT address. As fragment_forward; *ret_action: what to do if it isn't dropped. */
LBD_INLINE int fragment_follow(struct xdp_md *ctx, __u32 l3, int *ret_action, _Bool v6)
{
	const struct lbd_fragment *found;
	struct fragment read = {}, fragment;
	struct lbd_fragment entry;

	if (!fragment_read_apart(ctx, &read))
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	found = bpf_map_lookup_elem(&lbd_fragments, &read.key);
	/* Not the one whose address was given away, of which the verifier knows nothing. */
	fragment = read;
	if (!found || clock_jiffies() - found->seen > lbd_config.fragment_jiffies) {
		if (fragment.protocol != IPPROTO_TCP && fragment.protocol != IPPROTO_UDP)
			return LBD_OUTCOME_PASS_NOT_L4;
		return fragment_hold(ctx, &fragment, ret_action, v6);
	}
	entry = *found;
	if (fragment.offset < entry.size)
		return LBD_OUTCOME_DROP_FRAGMENT;
	return fragment_forward(ctx, &fragment, &entry, l3, ret_action, v6);
}

#endif
