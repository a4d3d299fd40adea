// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/answer.h"

#include <netinet/in.h>

#include "tests/model/wrap.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define ICMP_HEADER 8
#define TTL 64
#define IPV4_MOST 576  /* RFC 1812, 4.3.2.3 */
#define IPV6_MOST 1280 /* RFC 4443, 2.4 c */

bool answer_is_due(const struct view *view)
{
	return !(view->fragment && !view->v6) && !view->error && !view_martian(view);
}

/* The link header with its addresses exchanged; tags stay. */
static void answer_link(const struct frame *frame, const struct view *view, struct case_frame *ret)
{
	wrap_append(ret, &frame->bytes[6], 6);
	wrap_append(ret, &frame->bytes[0], 6);
	wrap_append(ret, &frame->bytes[12], view->l3 - 12);
}

/* Internetwork control precedence (RFC 1812, 4.3.2.5), an atomic datagram (RFC 6864). */
static void answer_ipv4(const struct view *view, uint8_t protocol, uint32_t size,
			struct case_frame *ret)
{
	uint8_t ip[IPV4_HEADER] = { 0x45, protocol == IPPROTO_ICMP ? 0xc0 : 0 };

	frame_set16(ip + 2, (uint16_t)(IPV4_HEADER + size));
	frame_set16(ip + 6, 0x4000);
	ip[8] = TTL;
	ip[9] = protocol;
	memcpy(ip + 12, &view->vip.bytes[12], 4);
	memcpy(ip + 16, &view->client.bytes[12], 4);
	frame_set16(ip + 10, frame_checksum(ip, sizeof(ip), 0));
	wrap_append(ret, ip, sizeof(ip));
}

static void answer_ipv6(const struct view *view, uint8_t protocol, uint32_t size,
			struct case_frame *ret)
{
	uint8_t ip[IPV6_HEADER] = { 0x60 };

	frame_set16(ip + 4, (uint16_t)size);
	ip[6] = protocol;
	ip[7] = TTL;
	memcpy(ip + 8, view->vip.bytes, 16);
	memcpy(ip + 24, view->client.bytes, 16);
	wrap_append(ret, ip, sizeof(ip));
}

static void answer_ip(const struct frame *frame, const struct view *view, uint8_t protocol,
		      uint32_t size, struct case_frame *ret)
{
	ret->size = 0;
	answer_link(frame, view, ret);
	if (view->v6)
		answer_ipv6(view, protocol, size, ret);
	else
		answer_ipv4(view, protocol, size, ret);
}

/* Addresses, length and protocol are summed too (RFC 9293, 3.1; RFC 4443, 2.3). */
static uint32_t answer_pseudo(const struct view *view, uint8_t protocol, uint32_t size)
{
	uint32_t sum = size + protocol;

	for (int i = view->v6 ? 0 : 12; i < 16; i += 2)
		sum += (uint32_t)frame_get16(&view->vip.bytes[i]) +
		       frame_get16(&view->client.bytes[i]);
	return protocol == IPPROTO_ICMP ? 0 : sum;
}

void answer_frame(const struct frame *frame, const struct view *view,
		  const struct answer_error *error, struct case_frame *ret)
{
	const uint32_t most = view->v6 ? IPV6_MOST - IPV6_HEADER : IPV4_MOST - IPV4_HEADER;
	const uint32_t whole = ICMP_HEADER + view->length, size = whole < most ? whole : most;
	const uint8_t protocol = view->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint8_t header[ICMP_HEADER] = { error->type, error->code };
	uint8_t *icmp;

	answer_ip(frame, view, protocol, size, ret);
	icmp = &ret->bytes[ret->size];
	frame_set32(header + 4, error->rest);
	wrap_append(ret, header, sizeof(header));
	wrap_append(ret, &frame->bytes[view->l3], size - ICMP_HEADER);
	frame_set16(icmp + 2, frame_checksum(icmp, size, answer_pseudo(view, protocol, size)));
}

/* --- RST */

#define TCP_HEADER 20
#define RESET_L4_MAX 255

bool answer_reset_fits(const struct view *view)
{
	return view->l4 <= RESET_L4_MAX;
}

void answer_reset(const struct frame *frame, const struct view *view, struct case_frame *ret)
{
	const uint8_t *segment = &frame->bytes[view->l4];
	const uint32_t space = view->l3 + view->length - view->l4 - (segment[12] >> 4) * 4U +
			       !!(view->flags & VIEW_SYN) + !!(view->flags & VIEW_FIN);
	uint8_t tcp[TCP_HEADER] = { 0 };

	frame_set16(tcp, view->vip_port);
	frame_set16(tcp + 2, view->client_port);
	tcp[12] = TCP_HEADER / 4 << 4;
	tcp[13] = VIEW_RST;
	if (view->flags & VIEW_ACK) {
		memcpy(tcp + 4, segment + 8, 4);
	} else {
		frame_set32(tcp + 8, frame_get32(segment + 4) + space);
		tcp[13] |= VIEW_ACK;
	}
	answer_ip(frame, view, IPPROTO_TCP, sizeof(tcp), ret);
	frame_set16(tcp + 16, frame_checksum(tcp, sizeof(tcp),
					     answer_pseudo(view, IPPROTO_TCP, sizeof(tcp))));
	wrap_append(ret, tcp, sizeof(tcp));
}
