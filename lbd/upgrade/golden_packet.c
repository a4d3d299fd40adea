// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets as clients send them, and as they become by NAT. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
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
			    .ttl = GOLDEN_TTL,
			    .protocol = protocol,
			    .tot_len = htons((uint16_t)(sizeof(ip) + payload)),
			    .saddr = client->words[3],
			    .daddr = vip->words[3] };
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6U << 28),
			       .ip6_plen = htons(payload),
			       .ip6_hlim = GOLDEN_TTL,
			       .ip6_nxt = protocol };

	memcpy(&ip6.ip6_src, client, sizeof(ip6.ip6_src));
	memcpy(&ip6.ip6_dst, vip, sizeof(ip6.ip6_dst));
	packet_ethernet(frame, lbd_addr_is4(vip) ? ETH_P_IP : ETH_P_IPV6);
	if (lbd_addr_is4(vip))
		packet_append(frame, &ip, sizeof(ip));
	else
		packet_append(frame, &ip6, sizeof(ip6));
}

/* --- checksums, by the book (RFC 1071) */

static uint32_t packet_sum(const void *bytes, size_t size, uint32_t sum)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return size % 2 ? sum + ((uint32_t)at[size - 1] << 8) : sum;
}

static void packet_put_sum(uint8_t *at, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

static bool packet_is4(const struct golden_frame *frame)
{
	return frame->bytes[ETH_HLEN] >> 4 == 4;
}

static size_t packet_l4(const struct golden_frame *frame)
{
	return ETH_HLEN + (packet_is4(frame) ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
}

static uint8_t packet_protocol(const struct golden_frame *frame)
{
	return frame->bytes[ETH_HLEN + (packet_is4(frame) ? offsetof(struct iphdr, protocol)
							  : offsetof(struct ip6_hdr, ip6_nxt))];
}

/* Both addresses, in a row, before the header's end. */
static size_t packet_addresses(const struct golden_frame *frame)
{
	return packet_l4(frame) - 2 * (packet_is4(frame) ? 4 : 16);
}

static void packet_ip_checksum(struct golden_frame *frame)
{
	uint8_t *ip = frame->bytes + ETH_HLEN, *check = ip + offsetof(struct iphdr, check);

	memset(check, 0, 2);
	packet_put_sum(check, packet_sum(ip, sizeof(struct iphdr), 0));
}

/* Of TCP or UDP. No UDP checksum is 0: that says there is none (RFC 768). */
static void packet_l4_checksum(struct golden_frame *frame, uint8_t protocol)
{
	const size_t l4 = packet_l4(frame), addresses = packet_addresses(frame);
	const bool udp = protocol == IPPROTO_UDP;
	uint8_t *check = frame->bytes + l4 +
			 (udp ? offsetof(struct udphdr, check) : offsetof(struct tcphdr, check));

	memset(check, 0, 2);
	packet_put_sum(check, packet_sum(frame->bytes + addresses, frame->size - addresses,
					 protocol + (uint32_t)(frame->size - l4)));
	if (udp && !check[0] && !check[1])
		memset(check, 0xff, 2);
}

static void packet_checksums(struct golden_frame *frame)
{
	const uint8_t protocol = packet_protocol(frame);

	if (packet_is4(frame))
		packet_ip_checksum(frame);
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_TCP)
		packet_l4_checksum(frame, protocol);
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
	packet_checksums(&frame);
	return frame;
}

/* --- errors and fragments */

#define PACKET_MTU 1300
#define PACKET_QUOTED 64 /* of the packet that was too big: its headers, and some of its data */

/* Type, code, and where the MTU is (RFC 792 and 1191, RFC 4443). */
static void packet_error_head(uint8_t *icmp, bool v4, enum golden_error error)
{
	static const uint8_t heads[2][2][2] = { { { 2, 0 }, { 1, 4 } }, { { 3, 4 }, { 3, 3 } } };

	memset(icmp, 0, 8);
	memcpy(icmp, heads[v4][error], 2);
	if (error == GOLDEN_TOO_BIG) {
		icmp[6] = PACKET_MTU >> 8;
		icmp[7] = PACKET_MTU & 0xff;
	}
}

static void packet_icmp_checksum(struct golden_frame *frame)
{
	const size_t l4 = packet_l4(frame), addresses = packet_addresses(frame);
	uint8_t *icmp = frame->bytes + l4;
	uint32_t sum = 0;

	if (!packet_is4(frame))
		sum = packet_sum(frame->bytes + addresses, l4 - addresses,
				 IPPROTO_ICMPV6 + (uint32_t)(frame->size - l4));
	packet_put_sum(icmp + 2, packet_sum(icmp, frame->size - l4, sum));
}

struct golden_frame golden_error(const struct lbd_addr *client, const struct lbd_addr *vip,
				 uint8_t protocol, uint16_t client_port, uint16_t vip_port,
				 enum golden_error error)
{
	const bool v4 = lbd_addr_is4(vip);
	const struct golden_frame quoted =
		golden_packet_from(vip, client, protocol, vip_port, client_port, TH_ACK);
	const uint32_t size =
		quoted.size - ETH_HLEN < PACKET_QUOTED ? quoted.size - ETH_HLEN : PACKET_QUOTED;
	struct golden_frame frame = { .size = 0 };
	uint8_t head[8];

	packet_error_head(head, v4, error);
	packet_ip(&frame, client, vip, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		  (uint16_t)(sizeof(head) + size));
	packet_append(&frame, head, sizeof(head));
	packet_append(&frame, quoted.bytes + ETH_HLEN, size);
	packet_checksums(&frame);
	packet_icmp_checksum(&frame);
	return frame;
}

/* All but the last hold a multiple of eight bytes. */
static void packet_pad(struct golden_frame *frame)
{
	while ((frame->size - packet_l4(frame)) % 8)
		frame->bytes[frame->size++] = 0;
}

static void packet_fragment4(struct golden_frame *frame, uint16_t id, uint16_t offset, bool more)
{
	struct iphdr ip;

	memcpy(&ip, frame->bytes + ETH_HLEN, sizeof(ip));
	ip.id = htons(id);
	ip.frag_off = htons((uint16_t)(offset / 8 | more << 13));
	ip.tot_len = htons((uint16_t)(frame->size - ETH_HLEN));
	memcpy(frame->bytes + ETH_HLEN, &ip, sizeof(ip));
	packet_ip_checksum(frame);
}

static void packet_fragment6(struct golden_frame *frame, uint16_t id, uint16_t offset, bool more)
{
	struct ip6_frag header = { .ip6f_nxt = packet_protocol(frame),
				   .ip6f_offlg = htons((uint16_t)(offset | more)),
				   .ip6f_ident = htonl(id) };
	uint8_t *l4 = frame->bytes + packet_l4(frame);
	struct ip6_hdr ip6;

	memmove(l4 + sizeof(header), l4, frame->size - packet_l4(frame));
	memcpy(l4, &header, sizeof(header));
	frame->size += sizeof(header);
	memcpy(&ip6, frame->bytes + ETH_HLEN, sizeof(ip6));
	ip6.ip6_nxt = IPPROTO_FRAGMENT;
	ip6.ip6_plen = htons((uint16_t)(frame->size - ETH_HLEN - sizeof(ip6)));
	memcpy(frame->bytes + ETH_HLEN, &ip6, sizeof(ip6));
}

struct golden_frame golden_fragment(const struct golden_frame *whole, uint16_t id, bool first)
{
	struct golden_frame frame = *whole;
	uint16_t offset;

	packet_pad(&frame);
	offset = first ? 0 : (uint16_t)(frame.size - packet_l4(&frame));
	if (packet_is4(&frame))
		packet_fragment4(&frame, id, offset, first);
	else
		packet_fragment6(&frame, id, offset, first);
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

/* --- ends */

static struct lbd_addr packet_get_addr(const struct golden_frame *frame, size_t at)
{
	struct lbd_addr addr;

	if (packet_is4(frame)) {
		memcpy(&addr.words[3], frame->bytes + at, 4);
		return lbd_addr_from4(addr.words[3]);
	}
	memcpy(&addr, frame->bytes + at, sizeof(addr));
	return addr;
}

struct golden_ends golden_get_ends(const struct golden_frame *frame)
{
	const size_t addresses = packet_addresses(frame), l4 = packet_l4(frame);
	uint16_t ports[2];

	memcpy(ports, frame->bytes + l4, sizeof(ports));
	return (struct golden_ends){
		.source = packet_get_addr(frame, addresses),
		.dest = packet_get_addr(frame, addresses + (l4 - addresses) / 2),
		.source_port = ntohs(ports[0]),
		.dest_port = ntohs(ports[1]),
	};
}

void golden_set_ends(struct golden_frame *frame, const struct golden_ends *ends, uint8_t ttl)
{
	const uint16_t ports[2] = { htons(ends->source_port), htons(ends->dest_port) };
	const size_t addresses = packet_addresses(frame), l4 = packet_l4(frame);
	const size_t size = (l4 - addresses) / 2, skip = sizeof(ends->source) - size;

	memcpy(frame->bytes + addresses, ends->source.bytes + skip, size);
	memcpy(frame->bytes + addresses + size, ends->dest.bytes + skip, size);
	memcpy(frame->bytes + l4, ports, sizeof(ports));
	frame->bytes[ETH_HLEN + (packet_is4(frame) ? offsetof(struct iphdr, ttl)
						   : offsetof(struct ip6_hdr, ip6_hlim))] = ttl;
	packet_checksums(frame);
}

struct golden_frame golden_answer(const struct golden_frame *frame)
{
	const struct golden_ends from = golden_get_ends(frame);
	const struct golden_ends ends = { from.dest, from.source, from.dest_port,
					  from.source_port };
	struct golden_frame answer = *frame;

	memcpy(answer.bytes, frame->bytes + ETH_ALEN, ETH_ALEN);
	memcpy(answer.bytes + ETH_ALEN, frame->bytes, ETH_ALEN);
	golden_set_ends(&answer, &ends, GOLDEN_TTL);
	return answer;
}
