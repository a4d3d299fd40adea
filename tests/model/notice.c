// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/notice.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "lbd/outcome.h"
#include "tests/model/guard.h"
#include "tests/model/wrap.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define ICMP_HEADER 8
#define PORTS 4
#define TTL 64

bool notice_is(const struct world *world, const struct view *view)
{
	return world->features & (LBD_FEATURE_ECHO | LBD_FEATURE_ICMP_ERRORS) &&
	       view->leaves == LBD_OUTCOME_PASS_NOT_L4 &&
	       view->protocol == (view->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static uint32_t notice_end(const struct view *view)
{
	return view->l3 + view->length;
}

/* All of it there, in one piece. */
static bool notice_whole(const struct frame *frame, const struct view *view)
{
	const uint8_t *ip = &frame->bytes[view->l3];

	if (notice_end(view) > frame->size || view->fragment || view->more)
		return false;
	if (!view->v6 && (ip[0] >> 4 != 4 || (ip[0] & 0xf) < 5))
		return false;
	return view->l4 + ICMP_HEADER <= notice_end(view);
}

static bool notice_is_error(const struct view *view, uint8_t type)
{
	if (view->v6)
		return type >= ICMP6_DST_UNREACH && type <= ICMP6_PARAM_PROB;
	return type == ICMP_UNREACH || type == ICMP_SOURCEQUENCH || type == ICMP_TIMXCEED ||
	       type == ICMP_PARAMPROB;
}

/* --- the quote, which goes the other way: from the VIP to the client */

struct quote {
	const uint8_t *bytes;
	uint32_t size;
	uint32_t l4;
	struct lbd_addr source;
	uint8_t protocol;
};

static bool notice_quote4(struct quote *quote, struct view *view)
{
	const uint8_t *ip = quote->bytes;

	if (quote->size < IPV4_HEADER || ip[0] >> 4 != 4 || (ip[0] & 0xf) < 5 ||
	    frame_get16(ip + 6) & 0x1fff)
		return false;
	quote->source = frame_addr4(ip + 12);
	view->client = frame_addr4(ip + 16);
	quote->protocol = ip[9];
	quote->l4 = (ip[0] & 0xfU) * 4;
	return true;
}

static bool notice_quote6(struct quote *quote, struct view *view)
{
	struct view_walk walk = { .at = IPV6_HEADER, .cut = true };
	const uint8_t *ip = quote->bytes;

	if (quote->size < IPV6_HEADER || ip[0] >> 4 != 6)
		return false;
	quote->source = frame_addr6(ip + 8);
	walk.next = ip[6];
	if (view_walk(ip, quote->size, &walk) != VIEW_WHOLE || walk.fragment)
		return false;
	view->client = frame_addr6(ip + 24);
	quote->protocol = walk.next;
	quote->l4 = walk.at;
	return true;
}

/* No more of the transport header than its ports need be there. */
static int notice_quote(const struct frame *frame, struct view *view)
{
	const uint32_t at = view->l4 + ICMP_HEADER;
	struct quote quote = { .bytes = &frame->bytes[at], .size = notice_end(view) - at };

	view->sender = view->client;
	if (!(view->v6 ? notice_quote6(&quote, view) : notice_quote4(&quote, view)))
		return LBD_OUTCOME_DROP_ICMP_BAD;
	if (quote.protocol != IPPROTO_TCP && quote.protocol != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (quote.l4 + PORTS > quote.size || !lbd_addr_equal(&quote.source, &view->vip))
		return LBD_OUTCOME_DROP_ICMP_BAD;
	view->protocol = quote.protocol;
	view->vip_port = frame_get16(quote.bytes + quote.l4);
	view->client_port = frame_get16(quote.bytes + quote.l4 + 2);
	view->quoted_l4 = at + quote.l4;
	view->error = true;
	return VIEW_WHOLE;
}

/* --- pings */

bool notice_is_plain(const struct view *view)
{
	return view->l4 == view->l3 + (view->v6 ? IPV6_HEADER : IPV4_HEADER);
}

static int notice_ping(const struct world *world, const struct view *view)
{
	const int refused = guard_check_stranger(world->config, NULL, &view->client, view->v6);

	return refused == GUARD_PASSES ? NOTICE_PING : refused;
}

/* A checksum when one word under it changes (RFC 1624, equation 3): a wrong one stays wrong. */
static void notice_update(uint8_t *checksum, uint16_t was, uint16_t is)
{
	uint32_t sum = (uint16_t)~frame_get16(checksum);

	sum += (uint16_t)~was;
	sum += is;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	frame_set16(checksum, (uint16_t)~sum);
}

static void notice_swap(uint8_t *a, uint8_t *b, uint32_t size)
{
	uint8_t held[16];

	memcpy(held, a, size);
	memcpy(a, b, size);
	memcpy(b, held, size);
}

void notice_pong(const struct frame *frame, const struct view *view, struct case_frame *ret)
{
	uint8_t *ip = &ret->bytes[view->l3], *icmp = &ret->bytes[view->l4];
	const uint16_t type = frame_get16(&frame->bytes[view->l4]);
	const uint16_t ttl = frame_get16(&frame->bytes[view->l3 + 8]);

	wrap_nothing(frame, ret);
	notice_swap(ret->bytes, ret->bytes + 6, 6);
	if (view->v6) {
		notice_swap(ip + 8, ip + 24, 16);
		ip[7] = TTL;
	} else {
		notice_swap(ip + 12, ip + 16, 4);
		ip[8] = TTL;
		notice_update(ip + 10, ttl, frame_get16(ip + 8));
	}
	icmp[0] = view->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	notice_update(icmp + 2, type, frame_get16(icmp));
}

int notice_read(const struct world *world, const struct frame *frame, struct view *view)
{
	const uint8_t type = frame->bytes[view->l4];
	int outcome;

	if (!world_is_vip(world, &view->vip))
		return LBD_OUTCOME_PASS_NOT_L4;
	if (!world_is_mac(world, frame->bytes))
		return LBD_OUTCOME_PASS_OTHER_HOST;
	if (!notice_whole(frame, view))
		return LBD_OUTCOME_PASS_NOT_L4;
	outcome = world_source(world, view);
	if (world->features & LBD_FEATURE_ICMP_ERRORS && notice_is_error(view, type))
		return outcome == VIEW_WHOLE ? notice_quote(frame, view) : outcome;
	if (world->features & LBD_FEATURE_ECHO &&
	    type == (view->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO))
		return outcome == VIEW_WHOLE ? notice_ping(world, view) : outcome;
	return LBD_OUTCOME_PASS_NOT_L4;
}
