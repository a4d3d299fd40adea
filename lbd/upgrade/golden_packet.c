// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets as clients send them, but for their checksums: those are the backends' to check. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "upgrade/golden.h"

static void packet_append(struct golden_frame *frame, const void *bytes, size_t size)
{
	memcpy(frame->bytes + frame->size, bytes, size);
	frame->size += (uint32_t)size;
}

static void packet_ethernet(struct golden_frame *frame, uint16_t type)
{
	struct ethhdr eth = { .h_proto = htons(type) };

	memset(eth.h_dest, 0x22, ETH_ALEN);
	memset(eth.h_source, 0x44, ETH_ALEN);
	packet_append(frame, &eth, sizeof(eth));
}

struct lbd_addr golden_client(const struct lbd_addr *vip)
{
	struct lbd_addr client = *vip;

	if (lbd_addr_is4(vip))
		return lbd_addr_from4(htonl(0xcb007105)); /* 203.0.113.5 */
	client.bytes[15] = 0x99;
	return client;
}

static void packet_ip(struct golden_frame *frame, const struct lbd_addr *client,
		      const struct lbd_addr *vip, uint8_t protocol, uint16_t payload)
{
	struct iphdr ip = { .version = 4,
			    .ihl = 5,
			    .ttl = 9,
			    .protocol = protocol,
			    .tot_len = htons((uint16_t)(sizeof(ip) + payload)),
			    .saddr = client->words[3],
			    .daddr = vip->words[3] };
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6U << 28),
			       .ip6_plen = htons(payload),
			       .ip6_hlim = 9,
			       .ip6_nxt = protocol };

	memcpy(&ip6.ip6_src, client, sizeof(ip6.ip6_src));
	memcpy(&ip6.ip6_dst, vip, sizeof(ip6.ip6_dst));
	packet_ethernet(frame, lbd_addr_is4(vip) ? ETH_P_IP : ETH_P_IPV6);
	if (lbd_addr_is4(vip))
		packet_append(frame, &ip, sizeof(ip));
	else
		packet_append(frame, &ip6, sizeof(ip6));
}

struct golden_frame golden_packet(const struct lbd_addr *vip, uint8_t protocol,
				  uint16_t client_port, uint16_t vip_port, uint8_t flags)
{
	const struct lbd_addr client = golden_client(vip);

	return golden_packet_from(&client, vip, protocol, client_port, vip_port, flags);
}

struct golden_frame golden_packet_from(const struct lbd_addr *client, const struct lbd_addr *vip,
				       uint8_t protocol, uint16_t client_port, uint16_t vip_port,
				       uint8_t flags)
{
	static const char payload[16] = "golden";
	const bool is_udp = protocol == IPPROTO_UDP;
	struct tcphdr tcp = { .source = htons(client_port), .dest = htons(vip_port), .doff = 5 };
	struct udphdr udp = { .source = htons(client_port),
			      .dest = htons(vip_port),
			      .len = htons(sizeof(udp) + sizeof(payload)) };
	size_t header = is_udp ? sizeof(udp) : sizeof(tcp);
	struct golden_frame frame = { .size = 0 };

	tcp.th_flags = flags;
	packet_ip(&frame, client, vip, protocol, (uint16_t)(header + sizeof(payload)));
	packet_append(&frame, is_udp ? (const void *)&udp : &tcp, header);
	packet_append(&frame, payload, sizeof(payload));
	return frame;
}

struct golden_frame golden_packet_arp(void)
{
	static const uint8_t request[46] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct golden_frame frame = { .size = 0 };

	packet_ethernet(&frame, ETH_P_ARP);
	packet_append(&frame, request, sizeof(request));
	return frame;
}
