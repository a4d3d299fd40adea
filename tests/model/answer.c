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
	return !view->fragment && !view_martian(view);
}

/* The link header with its addresses exchanged; tags stay. */
static void answer_link(const struct frame *frame, const struct view *view, struct case_frame *ret)
{
	wrap_append(ret, &frame->bytes[6], 6);
	wrap_append(ret, &frame->bytes[0], 6);
	wrap_append(ret, &frame->bytes[12], view->l3 - 12);
}

/* Internetwork control precedence (RFC 1812, 4.3.2.5), an atomic datagram (RFC 6864). */
static void answer_ipv4(const struct view *view, uint32_t size, struct case_frame *ret)
{
	uint8_t ip[IPV4_HEADER] = { 0x45, 0xc0 };

	frame_set16(ip + 2, (uint16_t)(IPV4_HEADER + size));
	frame_set16(ip + 6, 0x4000);
	ip[8] = TTL;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, &view->vip.bytes[12], 4);
	memcpy(ip + 16, &view->client.bytes[12], 4);
	frame_set16(ip + 10, frame_checksum(ip, sizeof(ip), 0));
	wrap_append(ret, ip, sizeof(ip));
}

static void answer_ipv6(const struct view *view, uint32_t size, struct case_frame *ret)
{
	uint8_t ip[IPV6_HEADER] = { 0x60 };

	frame_set16(ip + 4, (uint16_t)size);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = TTL;
	memcpy(ip + 8, view->vip.bytes, 16);
	memcpy(ip + 24, view->client.bytes, 16);
	wrap_append(ret, ip, sizeof(ip));
}

/* ICMPv6 sums addresses, length and protocol too (RFC 4443, 2.3). */
static uint32_t answer_pseudo(const struct view *view, uint32_t size)
{
	uint32_t sum = size + IPPROTO_ICMPV6;

	if (!view->v6)
		return 0;
	for (int i = 0; i < 16; i += 2)
		sum += (uint32_t)frame_get16(&view->vip.bytes[i]) +
		       frame_get16(&view->client.bytes[i]);
	return sum;
}

void answer_frame(const struct frame *frame, const struct view *view,
		  const struct answer_error *error, struct case_frame *ret)
{
	const uint32_t most = view->v6 ? IPV6_MOST - IPV6_HEADER : IPV4_MOST - IPV4_HEADER;
	const uint32_t whole = ICMP_HEADER + view->length, size = whole < most ? whole : most;
	uint8_t header[ICMP_HEADER] = { error->type, error->code };
	uint8_t *icmp;

	ret->size = 0;
	answer_link(frame, view, ret);
	if (view->v6)
		answer_ipv6(view, size, ret);
	else
		answer_ipv4(view, size, ret);
	icmp = &ret->bytes[ret->size];
	frame_set32(header + 4, error->rest);
	wrap_append(ret, header, sizeof(header));
	wrap_append(ret, &frame->bytes[view->l3], size - ICMP_HEADER);
	frame_set16(icmp + 2, frame_checksum(icmp, size, answer_pseudo(view, size)));
}
