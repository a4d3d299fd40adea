// SPDX-License-Identifier: GPL-2.0-or-later
/* What a forwarded golden packet must look like. The texts end the sentence "expected ...". */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "upgrade/golden.h"

#define JUDGE_GRE 4		/* bytes: RFC 2784 without options */
#define JUDGE_VNI 8		/* bytes: VXLAN's header, and Geneve's without options */
#define JUDGE_VXLAN 0x08000000	/* RFC 7348: the VNI is valid */
#define JUDGE_GENEVE 0x00006558 /* RFC 8926: Ethernet inside */
#define JUDGE_PORT_MIN 0xc000	/* RFC 6335: dynamic ports */

static const struct backend *judge_receiver(const struct model *model, uint16_t service,
					    const struct golden_frame *out)
{
	for (uint32_t i = 1; i < model->limits.backends; i++) {
		const struct backend *backend = &model->backends[i];

		if (backend->index && backend->service == service &&
		    !memcmp(out->bytes, backend->nexthop.dmac, ETH_ALEN))
			return backend;
	}
	return NULL;
}

static uint16_t judge_sum(const void *header, size_t size)
{
	const uint8_t *bytes = header;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static const char *judge_outer4(const struct model *model, const struct golden_frame *out,
				const struct backend *backend, uint8_t inner)
{
	struct lbd_addr source;
	struct iphdr ip;

	memcpy(&ip, out->bytes + ETH_HLEN, sizeof(ip));
	source = lbd_addr_from4(ip.saddr);
	if (ip.version != 4 || ip.ihl != 5 || ip.protocol != inner || !ip.ttl)
		return "an outer IPv4 header that says what is inside";
	if (ip.daddr != backend->addr.words[3] || !addr_in_prefix(&source, &model->tunnel4))
		return "an outer IPv4 header from the tunnel prefix to the backend";
	if (ntohs(ip.tot_len) != out->size - ETH_HLEN || judge_sum(&ip, sizeof(ip)) != 0xffff)
		return "an outer IPv4 header with its length and checksum";
	return NULL;
}

static const char *judge_outer6(const struct model *model, const struct golden_frame *out,
				const struct backend *backend, uint8_t inner)
{
	struct lbd_addr source;
	struct ip6_hdr ip;

	memcpy(&ip, out->bytes + ETH_HLEN, sizeof(ip));
	memcpy(&source, &ip.ip6_src, sizeof(source));
	if (ip.ip6_vfc >> 4 != 6 || ip.ip6_nxt != inner || !ip.ip6_hlim)
		return "an outer IPv6 header that says what is inside";
	if (memcmp(&ip.ip6_dst, &backend->addr, sizeof(ip.ip6_dst)) != 0 ||
	    !addr_in_prefix(&source, &model->tunnel6))
		return "an outer IPv6 header from the tunnel prefix to the backend";
	if (ntohs(ip.ip6_plen) != out->size - ETH_HLEN - sizeof(ip))
		return "an outer IPv6 header with its length";
	return NULL;
}

/* What a tunnel is made of: protocol of its outer IP header, and bytes behind that. */
static const struct judge_mode {
	uint8_t protocol; /* 0: that of the packet inside */
	uint32_t between;
} judge_modes[] = {
	[LBD_FORWARD_IPIP] = { 0, 0 },
	[LBD_FORWARD_GUE] = { IPPROTO_UDP, sizeof(struct udphdr) },
	[LBD_FORWARD_GRE] = { IPPROTO_GRE, JUDGE_GRE },
	[LBD_FORWARD_VXLAN] = { IPPROTO_UDP, sizeof(struct udphdr) + JUDGE_VNI + ETH_HLEN },
	[LBD_FORWARD_GENEVE] = { IPPROTO_UDP, sizeof(struct udphdr) + JUDGE_VNI + ETH_HLEN },
};

static bool judge_is_tunnel(const struct service *service)
{
	return service->forward != LBD_FORWARD_DSR && service->forward != LBD_FORWARD_NAT &&
	       service->forward < sizeof(judge_modes) / sizeof(*judge_modes);
}

/* Bytes of the headers that lead to the backend. */
static uint32_t judge_overhead(const struct service *service, const struct backend *backend)
{
	if (!judge_is_tunnel(service))
		return 0;
	return (uint32_t)(lbd_addr_is4(&backend->addr) ? sizeof(struct iphdr)
						       : sizeof(struct ip6_hdr)) +
	       judge_modes[service->forward].between;
}

static const char *judge_outer(const struct model *model, const struct service *service,
			       const struct golden_frame *out, const struct backend *backend)
{
	uint8_t protocol = judge_modes[service->forward].protocol;

	if (!protocol)
		protocol = lbd_addr_is4(&service->vip) ? IPPROTO_IPIP : IPPROTO_IPV6;
	return lbd_addr_is4(&backend->addr) ? judge_outer4(model, out, backend, protocol)
					    : judge_outer6(model, out, backend, protocol);
}

static uint16_t judge_ethertype(const struct lbd_addr *addr)
{
	return lbd_addr_is4(addr) ? ETH_P_IP : ETH_P_IPV6;
}

/* @size: of UDP and all behind it that belongs to the packet. */
static const char *judge_udp(const uint8_t *at, uint16_t port, size_t size)
{
	struct udphdr udp;

	memcpy(&udp, at, sizeof(udp));
	if (udp.dest != port || ntohs(udp.source) < JUDGE_PORT_MIN)
		return "a UDP header from a dynamic port to the tunnel's";
	if (ntohs(udp.len) != size || udp.check)
		return "a UDP header with its length, without a checksum";
	return NULL;
}

static const char *judge_gre(const uint8_t *at, const struct service *service)
{
	uint16_t gre[2];

	memcpy(gre, at, sizeof(gre));
	return gre[0] || ntohs(gre[1]) != judge_ethertype(&service->vip)
		       ? "a GRE header that says what is inside"
		       : NULL;
}

/* VXLAN's and Geneve's header, @first being its first word, and the frame inside. */
static const char *judge_vni(const struct model *model, const uint8_t *at,
			     const struct service *service, uint32_t first)
{
	const uint8_t *frame = at + JUDGE_VNI;
	uint32_t header[2];
	struct ethhdr eth;

	memcpy(header, at, sizeof(header));
	memcpy(&eth, frame, sizeof(eth));
	if (ntohl(header[0]) != first || ntohl(header[1]) != service->vni << 8)
		return "a header with the service's VNI";
	if (memcmp(frame, model->tunnel.inner_macs, 2 * ETH_ALEN) != 0 ||
	    ntohs(eth.h_proto) != judge_ethertype(&service->vip))
		return "a frame inside to the tunnel devices' MAC address";
	return NULL;
}

/* What stands between the outer IP header, which ends at @at, and the packet. */
static const char *judge_between(const struct model *model, const struct service *service,
				 const uint8_t *at, size_t size)
{
	const uint8_t *behind = at + sizeof(struct udphdr);
	const char *fault;

	switch (service->forward) {
	case LBD_FORWARD_GUE:
		return judge_udp(at, model->tunnel.gue_port, size);
	case LBD_FORWARD_GRE:
		return judge_gre(at, service);
	case LBD_FORWARD_VXLAN:
		fault = judge_udp(at, model->tunnel.vxlan_port, size);
		return fault ? fault : judge_vni(model, behind, service, JUDGE_VXLAN);
	case LBD_FORWARD_GENEVE:
		fault = judge_udp(at, model->tunnel.geneve_port, size);
		return fault ? fault : judge_vni(model, behind, service, JUDGE_GENEVE);
	default:
		return NULL;
	}
}

static const char *judge_tunnel(const struct model *model, const struct service *service,
				const struct golden_frame *out, const struct backend *backend)
{
	const uint32_t at =
		ETH_HLEN + judge_overhead(service, backend) - judge_modes[service->forward].between;
	const char *fault = judge_outer(model, service, out, backend);

	return fault ? fault : judge_between(model, service, out->bytes + at, out->size - at);
}

static const char *judge_ethernet(const struct service *service, const struct golden_frame *out,
				  const struct backend *backend)
{
	const struct lbd_addr *outermost =
		judge_is_tunnel(service) ? &backend->addr : &service->vip;
	struct ethhdr eth;

	memcpy(&eth, out->bytes, sizeof(eth));
	if (memcmp(eth.h_source, backend->nexthop.smac, ETH_ALEN) != 0)
		return "the interface's own MAC address as its source";
	if (ntohs(eth.h_proto) != judge_ethertype(outermost))
		return "an Ethernet header that says what follows";
	return NULL;
}

const char *golden_judge(const struct model *model, const struct service *service,
			 const struct golden_frame *in, const struct golden_frame *out,
			 const struct backend **ret_backend)
{
	const struct backend *backend = judge_receiver(model, service->id, out);
	const char *fault;
	uint32_t outer;

	if (!backend)
		return "it addressed to one of the service's backends";
	*ret_backend = backend;
	if (service->forward == LBD_FORWARD_NAT) {
		fault = judge_ethernet(service, out, backend);
		return fault ? fault : golden_judge_nat(model, service, in, out, backend);
	}
	outer = judge_overhead(service, backend);
	if (out->size != in->size + outer ||
	    memcmp(out->bytes + ETH_HLEN + outer, in->bytes + ETH_HLEN, in->size - ETH_HLEN) != 0)
		return "it whole behind the headers";
	fault = judge_ethernet(service, out, backend);
	if (fault || !judge_is_tunnel(service))
		return fault;
	return judge_tunnel(model, service, out, backend);
}
