// SPDX-License-Identifier: GPL-2.0-or-later
/* What a forwarded golden packet must look like. The texts end the sentence "expected ...". */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

#include "upgrade/golden.h"

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

/* Bytes of the outer header that leads to the backend. */
static uint32_t judge_overhead(const struct service *service, const struct backend *backend)
{
	if (service->forward != LBD_FORWARD_IPIP)
		return 0;
	return lbd_addr_is4(&backend->addr) ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
}

static const char *judge_outer(const struct model *model, const struct service *service,
			       const struct golden_frame *out, const struct backend *backend)
{
	const uint8_t inner = lbd_addr_is4(&service->vip) ? IPPROTO_IPIP : IPPROTO_IPV6;

	if (service->forward != LBD_FORWARD_IPIP)
		return NULL;
	return lbd_addr_is4(&backend->addr) ? judge_outer4(model, out, backend, inner)
					    : judge_outer6(model, out, backend, inner);
}

static const char *judge_ethernet(const struct service *service, const struct golden_frame *out,
				  const struct backend *backend)
{
	const struct lbd_addr *outermost =
		service->forward == LBD_FORWARD_IPIP ? &backend->addr : &service->vip;
	struct ethhdr eth;

	memcpy(&eth, out->bytes, sizeof(eth));
	if (memcmp(eth.h_source, backend->nexthop.smac, ETH_ALEN) != 0)
		return "the interface's own MAC address as its source";
	if (eth.h_proto != htons(lbd_addr_is4(outermost) ? ETH_P_IP : ETH_P_IPV6))
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
	outer = judge_overhead(service, backend);
	if (out->size != in->size + outer ||
	    memcmp(out->bytes + ETH_HLEN + outer, in->bytes + ETH_HLEN, in->size - ETH_HLEN) != 0)
		return "it whole behind the headers";
	fault = judge_ethernet(service, out, backend);
	return fault ? fault : judge_outer(model, service, out, backend);
}
