/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors about translated flows (RFC 5508, 4). What an error quotes is
 * translated as well, or its receiver wouldn't know the packet as its own:
 *
 *   to a NAT address   about what went to a backend: to the flow's client
 *   to a VIP           about what went to a client: to the flow's backend
 *
 * The packet in hand is the quoted one read the other way round (icmp_turn):
 * its "client" is whom the quoted one went to. Of an error from there the
 * source is translated too; that of a router in between stays.
 *
 * Who sends an error may be anybody, so all entries stay as they are.
 */
#ifndef NAT_ICMP_BPF_H
#define NAT_ICMP_BPF_H

#include "bpf/answer.bpf.h"
#include "bpf/forward.bpf.h"
#include "bpf/nat_return.bpf.h"
#include "bpf/quote.bpf.h"

/* New ends for the error, whose ports say nothing, and for what it quotes. */
struct nat_error {
	struct nat_ends outer, quoted;
};

LBD_INLINE _Bool nat_error_source(const struct xdp_md *ctx, __u32 l3, struct lbd_addr *ret,
				  _Bool v6)
{
	const struct iphdr *ip = nat_l3(ctx, l3);
	const struct ipv6hdr *ip6 = nat_l3(ctx, l3);

	if ((v6 ? (const void *)(ip6 + 1) : (const void *)(ip + 1)) > (void *)(long)ctx->data_end)
		return 0;
	*ret = v6 ? packet_addr6(&ip6->saddr) : lbd_addr_from4(ip->saddr);
	return 1;
}

/*
 * The quoted addresses, and IPv4's checksum of them. *ret_gained: what the
 * addresses gained; returns what all did.
 */
LBD_INLINE __u64 nat_quote_addrs(void *header, const struct nat_ends *ends, __u64 *ret_gained,
				 _Bool v6)
{
	struct ipv6hdr *ip6 = header;
	struct iphdr *ip = header;
	__u64 gained;
	__u16 check;

	if (v6) {
		gained = nat_gain_addr6(0, &ip6->saddr, &ends->source);
		gained = nat_gain_addr6(gained, &ip6->daddr, &ends->dest);
		packet_put_addr6(&ip6->saddr, &ends->source);
		packet_put_addr6(&ip6->daddr, &ends->dest);
		*ret_gained = gained;
		return gained;
	}
	check = ip->check;
	gained = nat_gain32(0, ip->saddr, ends->source.words[3]);
	gained = nat_gain32(gained, ip->daddr, ends->dest.words[3]);
	ip->saddr = ends->source.words[3];
	ip->daddr = ends->dest.words[3];
	ip->check = nat_update(check, gained);
	*ret_gained = gained;
	return nat_gain16(gained, check, ip->check);
}

/* The checksum of the quoted segment or datagram, if so much of it is there. Returns its gain. */
LBD_INLINE __u64 nat_quote_check(const struct xdp_md *ctx, const struct quote *quote, __u64 gained)
{
	const _Bool udp = quote->protocol == IPPROTO_UDP;
	const __u32 at =
		(quote->at & (QUOTE_AT_MAX * 2 - 1)) + (udp ? NAT_UDP_CHECK : NAT_TCP_CHECK);
	__u16 *check = (void *)(long)ctx->data + at, was;

	if (at + sizeof(*check) > quote->end || (void *)(check + 1) > (void *)(long)ctx->data_end)
		return 0;
	was = *check;
	nat_update_check(check, gained, udp);
	return nat_gain16(0, was, *check);
}

/* Translate what is quoted behind the ICMP header at @l4. *ret_gained: what all of it gained. */
LBD_INLINE _Bool nat_quote_rewrite(const struct xdp_md *ctx, __u32 l4, const struct quote *quote,
				   const struct nat_ends *ends, __u64 *ret_gained, _Bool v6)
{
	const void *end = (void *)(long)ctx->data_end;
	void *header = (void *)(long)ctx->data + (l4 & (QUOTE_AT_MAX * 2 - 1)) +
		       sizeof(struct answer_icmp);
	__u32 *ports = quote_at(ctx, quote);
	const __u32 new_ports = ends->ports[0] | (__u32)ends->ports[1] << 16;
	__u64 gained_ports, gained, total;

	if (header + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) > end ||
	    (void *)(ports + 1) > end)
		return 0;
	gained_ports = nat_gain32(0, *ports, new_ports);
	*ports = new_ports;
	total = gained_ports + nat_quote_addrs(header, ends, &gained, v6);
	*ret_gained = total + nat_quote_check(ctx, quote, gained + gained_ports);
	return 1;
}

/* ICMP's own checksum, over the quote, and ICMPv6's over the outer addresses. */
LBD_INLINE void nat_error_check(const struct xdp_md *ctx, __u32 l4, __u64 gained)
{
	struct answer_icmp *icmp = (void *)(long)ctx->data + (l4 & (QUOTE_AT_MAX * 2 - 1));

	if ((void *)(icmp + 1) <= (void *)(long)ctx->data_end)
		icmp->checksum = nat_update(icmp->checksum, gained);
}

LBD_INLINE int nat_error_rewrite(struct xdp_md *ctx, const struct packet *packet,
				 const struct nat_error *error, _Bool v6)
{
	__u64 outer = 0, quoted = 0;
	struct quote quote = {};
	int outcome;

	outcome = quote_read(ctx, packet->l4 + sizeof(struct answer_icmp),
			     packet->l3 + packet->length, v6, &quote);
	if (outcome != PACKET_GO_ON)
		return outcome;
	outcome = nat_rewrite_ip(ctx, packet->l3, &error->outer, &outer, v6);
	if (outcome != PACKET_GO_ON)
		return outcome;
	if (!nat_quote_rewrite(ctx, packet->l4, &quote, &error->quoted, &quoted, v6))
		return LBD_OUTCOME_DROP_ICMP_BAD;
	nat_error_check(ctx, packet->l4, v6 ? outer + quoted : quoted);
	return PACKET_GO_ON;
}

/* Given the quoted ends: the error goes to whoever sent that, as if from whom he sent it to. */
LBD_INLINE int nat_error_make(struct xdp_md *ctx, const struct packet *packet,
			      struct nat_error *error, _Bool v6)
{
	struct lbd_addr source;

	if (!nat_error_source(ctx, packet->l3, &source, v6))
		return LBD_OUTCOME_DROP_ICMP_BAD;
	error->outer.dest = error->quoted.source;
	error->outer.source =
		lbd_addr_equal(&source, &packet->client) ? error->quoted.dest : source;
	return nat_error_rewrite(ctx, packet, error, v6);
}

/* --- to a NAT address: on to the client */

LBD_INLINE int nat_error_return(struct xdp_md *ctx, const struct packet *packet, int *ret_action,
				_Bool v6)
{
	const __u32 address = nat_port_address(packet, v6);
	struct packet flow = { .half = packet->half };
	struct bpf_fib_lookup fib = {};
	struct nat_error error = {};
	struct conn conn = {};
	int problem;

	if (address >= LBD_NAT_ADDRS_MAX)
		return LBD_OUTCOME_PASS_NO_SERVICE;
	if (!nat_find_flow(packet, address, &flow, &conn, v6))
		return LBD_OUTCOME_DROP_ICMP_UNKNOWN;
	trace_target(flow.service, lbd_value_backend(conn.value));
	problem = nat_find_client(ctx, &flow, packet->length, &fib, v6);
	if (problem != PACKET_GO_ON)
		return problem;
	error.quoted.source = flow.client;
	error.quoted.dest = flow.vip;
	error.quoted.ports[0] = flow.client_port;
	error.quoted.ports[1] = flow.vip_port;
	problem = nat_error_make(ctx, packet, &error, v6);
	if (problem != PACKET_GO_ON)
		return problem;
	*ret_action = nat_send(ctx, packet, &fib);
	return LBD_OUTCOME_FORWARD_RETURN;
}

/* --- to a VIP: on to the backend */

/* The backend that has the packet's flow. *ret_value: of the entry. NULL: none has it, translated. */
LBD_INLINE const struct lbd_backend *nat_error_owner(const struct packet *packet, __u64 *ret_value,
						     _Bool v6)
{
	const struct lbd_backend *backend;
	struct conn conn = {};

	if (!conn_find(packet, &conn, v6) || !lbd_value_nat(conn.value))
		return NULL;
	backend = conn_backend(packet, lbd_value_backend(conn.value));
	*ret_value = conn.value;
	return backend && conn_keeps(packet, backend) ? backend : NULL;
}

LBD_INLINE int nat_error_out(struct xdp_md *ctx, const struct packet *packet, int *ret_action,
			     _Bool v6)
{
	struct nat_error error = {};
	const struct lbd_backend *backend;
	struct nat_ends ends;
	__u64 value = 0;
	int problem;

	backend = nat_error_owner(packet, &value, v6);
	if (!backend)
		return LBD_OUTCOME_DROP_ICMP_UNKNOWN;
	trace_target(packet->service, lbd_value_backend(value));
	if (!backend->ifindex)
		return LBD_OUTCOME_DROP_UNRESOLVED;
	if (packet->length > backend->mtu)
		return LBD_OUTCOME_DROP_TOO_BIG;
	ends = nat_out_ends(packet, backend, lbd_value_nat(value), v6);
	error.quoted.source = ends.dest;
	error.quoted.dest = ends.source;
	error.quoted.ports[0] = ends.ports[1];
	error.quoted.ports[1] = ends.ports[0];
	problem = nat_error_make(ctx, packet, &error, v6);
	if (problem == PACKET_GO_ON)
		problem = forward_address(ctx, backend);
	if (problem != PACKET_GO_ON)
		return problem;
	count_forwarded(packet->service, lbd_value_backend(value), packet->length);
	*ret_action = forward_send(ctx, backend);
	return LBD_OUTCOME_FORWARD_ICMP;
}

/* Returns the outcome. *ret_action has the XDP action if the error was forwarded. */
LBD_INLINE int nat_error(struct xdp_md *ctx, const struct packet *packet, int *ret_action, _Bool v6)
{
	return packet->service ? nat_error_out(ctx, packet, ret_action, v6)
			       : nat_error_return(ctx, packet, ret_action, v6);
}

#endif
