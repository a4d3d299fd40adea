/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NAT: a packet gets other ends, its checksums follow, and like any router's
 * its TTL falls by one. These functions are called, not inlined, and read the
 * frame again: who uses no NAT doesn't pay for it.
 *
 *   nat_out       client -> VIP       becomes  NAT address -> backend
 *   nat_return    backend -> NAT      becomes  VIP -> client (nat_return.bpf.h)
 *   nat_error     ICMP errors about either         (nat_icmp.bpf.h)
 *   nat_fragment  later fragments of either        (nat_fragment.bpf.h)
 *
 * A frame that its sender left the checksum of to the network card (tx-checksum
 * offload on a virtual link) carries no checksum that could be updated.
 */
#ifndef NAT_BPF_H
#define NAT_BPF_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/conn.bpf.h"
#include "bpf/csum.bpf.h"
#include "bpf/packet.bpf.h"

#define NAT_TCP_CHECK 16 /* offset in the header */
#define NAT_UDP_CHECK 6
#define NAT_HEADERS_MAX \
	0x4000 /* Ethernet, tags, IP options or all extension headers: EXTENSIONS_MAX of 2 KiB */

/* What a called function must know of the frame, in one argument. */
LBD_INLINE __u32 nat_place(const struct packet *packet)
{
	return packet->l3 | (__u32)packet->l4 << 8 | (__u32)packet->protocol << 24;
}

LBD_INLINE void *nat_l3(const struct xdp_md *ctx, __u32 place)
{
	return (void *)(long)ctx->data + (place & 0xff);
}

LBD_INLINE void *nat_l4(const struct xdp_md *ctx, __u32 place)
{
	return (void *)(long)ctx->data + (place >> 8 & (NAT_HEADERS_MAX - 1));
}

LBD_INLINE __u8 nat_protocol(__u32 place)
{
	return place >> 24;
}

/* Both ends of the packet at @place. False: it ends early, which parse would have seen. */
LBD_INLINE _Bool nat_read(const struct xdp_md *ctx, __u32 place, struct packet *packet, _Bool v6)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct iphdr *ip = nat_l3(ctx, place);
	const struct ipv6hdr *ip6 = nat_l3(ctx, place);
	const __be16 *ports = nat_l4(ctx, place);

	if ((const void *)(v6 ? (const void *)(ip6 + 1) : ip + 1) > end ||
	    (const void *)(ports + 2) > end)
		return 0;
	packet->client = v6 ? packet_addr6(&ip6->saddr) : lbd_addr_from4(ip->saddr);
	packet->vip = v6 ? packet_addr6(&ip6->daddr) : lbd_addr_from4(ip->daddr);
	packet->length = v6 ? bpf_ntohs(ip6->payload_len) + sizeof(*ip6) : bpf_ntohs(ip->tot_len);
	packet->client_port = ports[0];
	packet->vip_port = ports[1];
	packet->protocol = nat_protocol(place);
	return 1;
}

/*
 * What words of the packet gained, summed up: one fold (RFC 1624, equation 3)
 * brings all of it into a checksum, and the same sum serves two of them.
 */
LBD_INLINE __u64 nat_gain16(__u64 sum, __u16 from, __u16 to)
{
	return sum + (__u16)~from + to;
}

LBD_INLINE __u64 nat_gain32(__u64 sum, __u32 from, __u32 to)
{
	return sum + (__u32)~from + to;
}

LBD_INLINE __u64 nat_gain_addr6(__u64 sum, const void *from, const struct lbd_addr *to)
{
#pragma unroll
	for (int i = 0; i < 4; i++)
		sum = nat_gain32(sum, packet_word32(from + 4 * i), to->words[i]);
	return sum;
}

LBD_INLINE __u16 nat_update(__u16 check, __u64 gained)
{
	return ~csum_fold(gained + (__u16)~check);
}

/* The new ends of a packet. */
struct nat_ends {
	struct lbd_addr source, dest;
	__be16 ports[2];
};

/* Put the addresses into the header. *ret_gained: what their words gained. */
LBD_INLINE int nat_rewrite_ipv4(struct iphdr *ip, const struct nat_ends *ends, __u64 *ret_gained)
{
	const __u16 life = packet_word16(&ip->ttl);
	__u64 gained;

	if (ip->ttl <= 1)
		return LBD_OUTCOME_DROP_TTL;
	gained = nat_gain32(0, ip->saddr, ends->source.words[3]);
	gained = nat_gain32(gained, ip->daddr, ends->dest.words[3]);
	ip->saddr = ends->source.words[3];
	ip->daddr = ends->dest.words[3];
	ip->ttl--;
	ip->check = nat_update(ip->check, nat_gain16(gained, life, packet_word16(&ip->ttl)));
	*ret_gained = gained;
	return PACKET_GO_ON;
}

LBD_INLINE int nat_rewrite_ipv6(struct ipv6hdr *ip, const struct nat_ends *ends, __u64 *ret_gained)
{
	__u64 gained;

	if (ip->hop_limit <= 1)
		return LBD_OUTCOME_DROP_TTL;
	gained = nat_gain_addr6(0, &ip->saddr, &ends->source);
	gained = nat_gain_addr6(gained, &ip->daddr, &ends->dest);
	packet_put_addr6(&ip->saddr, &ends->source);
	packet_put_addr6(&ip->daddr, &ends->dest);
	ip->hop_limit--;
	*ret_gained = gained;
	return PACKET_GO_ON;
}

/* The IP header at @l3 alone. PASS_TRUNCATED: it isn't there. */
LBD_INLINE int nat_rewrite_ip(const struct xdp_md *ctx, __u32 l3, const struct nat_ends *ends,
			      __u64 *ret_gained, _Bool v6)
{
	void *header = nat_l3(ctx, l3);

	if (header + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) >
	    (void *)(long)ctx->data_end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	return v6 ? nat_rewrite_ipv6(header, ends, ret_gained)
		  : nat_rewrite_ipv4(header, ends, ret_gained);
}

/* UDP without a checksum stays so; one that comes out as 0 is sent as its other form (RFC 768). */
LBD_INLINE void nat_update_check(__u16 *check, __u64 gained, _Bool udp)
{
	__u16 updated;

	if (udp && !*check)
		return;
	updated = nat_update(*check, gained);
	*check = udp && !updated ? 0xffff : updated;
}

LBD_INLINE int nat_rewrite(const struct xdp_md *ctx, __u32 place, const struct nat_ends *ends,
			   _Bool v6)
{
	const _Bool udp = nat_protocol(place) == IPPROTO_UDP;
	const void *end = (void *)(long)ctx->data_end;
	void *l3 = nat_l3(ctx, place), *l4 = nat_l4(ctx, place);
	void *check = l4 + (udp ? NAT_UDP_CHECK : NAT_TCP_CHECK);
	const __u32 ports = ends->ports[0] | (__u32)ends->ports[1] << 16;
	__u64 gained = 0;
	int outcome;

	if (l3 + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) > end ||
	    l4 + sizeof(ports) > end || check + sizeof(__u16) > end)
		return LBD_OUTCOME_PASS_TRUNCATED;
	outcome = v6 ? nat_rewrite_ipv6(l3, ends, &gained) : nat_rewrite_ipv4(l3, ends, &gained);
	if (outcome != PACKET_GO_ON)
		return outcome;
	nat_update_check(check, nat_gain32(gained, packet_word32(l4), ports), udp);
	*(__u32 *)l4 = ports;
	return PACKET_GO_ON;
}

/* --- where a flow goes out from */

LBD_INLINE __u64 nat_hash(const struct packet *packet)
{
	const struct lbd_secret secret = { { lbd_config.pick_secret.words[0],
					     lbd_config.pick_secret.words[1] } };

	return lbd_nat_hash(&packet->client, packet->client_port, &packet->vip, packet->vip_port,
			    packet->protocol, &secret);
}

LBD_INLINE __be16 nat_backend_port(const struct lbd_backend *backend, __be16 vip_port)
{
	return backend->port ? backend->port : vip_port;
}

/* The way back of @packet's flow, if it goes out at @attempt. */
LBD_INLINE struct lbd_nat_way nat_way(const struct packet *packet,
				      const struct lbd_backend *backend, __u32 attempt, _Bool v6)
{
	const struct lbd_secret secret = { { lbd_config.conn_secret.words[0],
					     lbd_config.conn_secret.words[1] } };
	const struct lbd_nat_source source =
		lbd_nat_source(&lbd_config.nat, nat_hash(packet), attempt, v6);

	return lbd_nat_way(&backend->addr, nat_backend_port(backend, packet->vip_port), &source,
			   packet->protocol == IPPROTO_UDP, &secret,
			   v6 ? lbd_config.limits.nat6_buckets : lbd_config.limits.nat4_buckets,
			   v6);
}

LBD_INLINE struct lbd_addr nat_address(__u32 index, _Bool v6)
{
	const volatile struct lbd_addr *addr;
	struct lbd_addr copy;

	index &= LBD_NAT_ADDRS_MAX - 1;
	LBD_OPAQUE(index); /* or the bound gets lost to the verifier */
	addr = &lbd_config.nat.addrs[v6][index & (LBD_NAT_ADDRS_MAX - 1)];
	copy.halves[0] = addr->halves[0];
	copy.halves[1] = addr->halves[1];
	return copy;
}

/* Which NAT address this is; LBD_NAT_ADDRS_MAX if it is none. */
LBD_INLINE __u32 nat_index(const struct lbd_addr *addr, _Bool v6)
{
#pragma GCC unroll 8
	for (__u32 i = 0; i < LBD_NAT_ADDRS_MAX; i++)
		if (i < lbd_config.nat.count[v6] &&
		    addr->halves[0] == lbd_config.nat.addrs[v6][i].halves[0] &&
		    addr->halves[1] == lbd_config.nat.addrs[v6][i].halves[1])
			return i;
	return LBD_NAT_ADDRS_MAX;
}

/* --- towards the backend */

/* What the flow's packets become on their way to the backend. */
LBD_INLINE struct nat_ends nat_out_ends(const struct packet *packet,
					const struct lbd_backend *backend, __u32 attempt, _Bool v6)
{
	const struct lbd_nat_source source =
		lbd_nat_source(&lbd_config.nat, nat_hash(packet), attempt, v6);
	const struct nat_ends ends = {
		.source = nat_address(source.address, v6),
		.dest = backend->addr,
		.ports = { source.port, nat_backend_port(backend, packet->vip_port) },
	};

	return ends;
}

/* @row: of the backend in lbd_backends. @attempt: of the flow's entry, at which it goes out. */
LBD_INLINE int nat_out(const struct xdp_md *ctx, __u32 row, __u32 attempt, __u32 place, _Bool v6)
{
	const struct lbd_backend *backend = bpf_map_lookup_elem(&lbd_backends, &row);
	struct packet packet = {};
	struct nat_ends ends;

	if (!backend || !nat_read(ctx, place, &packet, v6))
		return LBD_OUTCOME_DROP_TABLE;
	if (packet.length > backend->mtu)
		return LBD_OUTCOME_DROP_TOO_BIG;
	ends = nat_out_ends(&packet, backend, attempt, v6);
	return nat_rewrite(ctx, place, &ends, v6);
}

__attribute__((noinline)) int nat_out_ipv4(struct xdp_md *ctx, __u32 row, __u32 attempt,
					   __u32 place)
{
	return nat_out(ctx, row, attempt, place, 0);
}

__attribute__((noinline)) int nat_out_ipv6(struct xdp_md *ctx, __u32 row, __u32 attempt,
					   __u32 place)
{
	return nat_out(ctx, row, attempt, place, 1);
}

#endif
