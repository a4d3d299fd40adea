// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/view.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "lbd/outcome.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define TCP_HEADER 20
#define TAG 4
#define TAGS_MAX 2

static bool view_is_l4(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* --- TCP and UDP */

/* Of SYN, FIN, RST and ACK: what a sender that follows RFC 9293 sets. */
static bool view_flags_good(uint8_t flags)
{
	const bool syn = flags & VIEW_SYN, fin = flags & VIEW_FIN, rst = flags & VIEW_RST,
		   ack = flags & VIEW_ACK;

	if (syn + fin + rst > 1)
		return false;
	return syn || rst || ack;
}

static int view_tcp(const uint8_t *l4, uint32_t room, struct view *view)
{
	const uint32_t header = (l4[12] >> 4) * 4U;

	view->flags = l4[13];
	if (header < TCP_HEADER || header > room)
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	return view_flags_good(view->flags) ? VIEW_WHOLE : LBD_OUTCOME_DROP_BAD_FLAGS;
}

/* The first of several fragments tells the length of the whole. */
static int view_udp(const uint8_t *l4, uint32_t room, const struct view *view)
{
	const uint32_t length = frame_get16(l4 + 4);

	if (length < UDP_HEADER || (length > room && !view->more))
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	return VIEW_WHOLE;
}

/* The transport header at @at of the frame, in an IP packet that ends at @end. */
static int view_l4(const struct frame *frame, uint32_t at, uint32_t end, struct view *view)
{
	const uint32_t header = view->protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;
	const uint8_t *l4 = &frame->bytes[at];

	if (at + header > end)
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	view->client_port = frame_get16(l4);
	view->vip_port = frame_get16(l4 + 2);
	return view->protocol == IPPROTO_TCP ? view_tcp(l4, end - at, view)
					     : view_udp(l4, end - at, view);
}

/* --- IPv4 */

static int view_problem4(const struct frame *frame, struct view *view)
{
	const uint8_t *ip = &frame->bytes[view->l3];
	const uint32_t header = (ip[0] & 0xfU) * 4;

	if (view->l3 + view->length > frame->size)
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	if (view->fragment)
		return VIEW_WHOLE;
	if (ip[0] >> 4 != 4 || header < IPV4_HEADER)
		return LBD_OUTCOME_DROP_BAD_HEADER;
	return view_l4(frame, view->l3 + header, view->l3 + view->length, view);
}

static void view_piece4(const uint8_t *ip, struct view *view)
{
	const uint32_t header = (ip[0] & 0xfU) * 4;

	view->piece = (struct view_piece){
		.id = frame_get16(ip + 4),
		.offset = (frame_get16(ip + 6) & 0x1fffU) * 8,
		.size = header >= IPV4_HEADER && view->length > header ? view->length - header : 0,
		.next = ip[9],
	};
}

static int view_ipv4(const struct frame *frame, struct view *view)
{
	const uint8_t *ip = &frame->bytes[view->l3];

	if (view->l3 + IPV4_HEADER > frame->size)
		return LBD_OUTCOME_PASS_TRUNCATED;
	view->protocol = ip[9];
	view->client = frame_addr4(ip + 12);
	view->vip = frame_addr4(ip + 16);
	view->length = frame_get16(ip + 2);
	view->traffic = ip[1];
	view->fragment = frame_get16(ip + 6) & 0x1fff;
	view->more = ip[6] & 0x20;
	view->l4 = view->l3 + (ip[0] & 0xfU) * 4;
	if (!view_is_l4(view->protocol))
		return LBD_OUTCOME_PASS_NOT_L4;
	view_piece4(ip, view);
	view->problem = view_problem4(frame, view);
	return VIEW_WHOLE;
}

/* --- IPv6 */

#define EXTENSIONS_MAX 6

static bool view_is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_DSTOPTS;
}

/* Past the header that stands there. */
static int view_extension(const uint8_t *header, struct view_walk *walk)
{
	const uint8_t type = walk->next;

	walk->next = header[0];
	if (type == IPPROTO_FRAGMENT) {
		walk->header = walk->header ? walk->header : walk->at;
		walk->fragment = frame_get16(header + 2) & 0xfff8;
		walk->more = header[3] & 1;
		walk->at += 8;
		return VIEW_WHOLE;
	}
	walk->at += (header[1] + 1) * 8U;
	/* RFC 5095 */
	if (type == IPPROTO_ROUTING && header[2] == 0 && header[3] > 0)
		return LBD_OUTCOME_DROP_BAD_HEADER;
	return VIEW_WHOLE;
}

/* To what isn't an extension; a later fragment shows no further. */
int view_walk(const uint8_t *packet, uint32_t size, struct view_walk *walk)
{
	for (int i = 0; view_is_extension(walk->next) && !walk->fragment; i++) {
		int problem;

		if (i == EXTENSIONS_MAX)
			return LBD_OUTCOME_DROP_BAD_HEADER;
		if (walk->at + 8 > size)
			return LBD_OUTCOME_DROP_BAD_LENGTH;
		problem = view_extension(packet + walk->at, walk);
		if (problem != VIEW_WHOLE)
			return problem;
		if (!walk->cut && walk->at > size)
			return LBD_OUTCOME_DROP_BAD_LENGTH;
	}
	return VIEW_WHOLE;
}

static int view_problem6(const struct frame *frame, struct view *view)
{
	const uint8_t *ip = &frame->bytes[view->l3];

	if (ip[0] >> 4 != 6)
		return LBD_OUTCOME_DROP_BAD_HEADER;
	if (view->l3 + view->length > frame->size)
		return LBD_OUTCOME_DROP_BAD_LENGTH;
	return VIEW_WHOLE;
}

/* Its data begins at @at of the packet. */
static void view_piece6(const uint8_t *header, uint32_t at, struct view *view)
{
	view->piece = (struct view_piece){
		.id = frame_get32(header + 4),
		.offset = frame_get16(header + 2) & 0xfff8,
		.size = view->length > at ? view->length - at : 0,
		.next = header[0],
	};
}

static int view_next6(const struct frame *frame, struct view *view)
{
	struct view_walk walk = { .at = IPV6_HEADER, .next = view->protocol };
	int problem = view_walk(&frame->bytes[view->l3], view->length, &walk);

	view->protocol = walk.next;
	view->l4 = view->l3 + walk.at;
	view->fragment = walk.fragment;
	view->more = walk.more;
	if (walk.header)
		view_piece6(&frame->bytes[view->l3 + walk.header], walk.header + 8, view);
	return problem;
}

static int view_ipv6(const struct frame *frame, struct view *view)
{
	const uint8_t *ip = &frame->bytes[view->l3];

	view->v6 = true;
	if (view->l3 + IPV6_HEADER > frame->size)
		return LBD_OUTCOME_PASS_TRUNCATED;
	view->protocol = ip[6];
	view->client = frame_addr6(ip + 8);
	view->vip = frame_addr6(ip + 24);
	view->length = IPV6_HEADER + frame_get16(ip + 4);
	view->traffic = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
	if (lbd_addr_is4(&view->vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	view->problem = view_problem6(frame, view);
	if (view->problem == VIEW_WHOLE)
		view->problem = view_next6(frame, view);
	if (view->problem != VIEW_WHOLE)
		return VIEW_WHOLE;
	/* What a later fragment's header says doesn't count (RFC 8200, 4.5). */
	if (!view_is_l4(view->protocol) && !view->fragment)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (!view->fragment)
		view->problem = view_l4(frame, view->l4, view->l3 + view->length, view);
	return VIEW_WHOLE;
}

/* --- sources that no client has */

/* RFC 6890: "this network", loopback, multicast, reserved. */
static bool view_martian4(const struct lbd_addr *source)
{
	const uint8_t first = source->bytes[12];

	return first == 0 || first == 127 || first >= 224;
}

/* RFC 6890, RFC 4291: unspecified, loopback, multicast, and IPv4 in disguise. */
static bool view_martian6(const struct lbd_addr *source)
{
	static const uint8_t zeros[15];

	if (source->bytes[0] == 0xff || lbd_addr_is4(source))
		return true;
	return !memcmp(source->bytes, zeros, sizeof(zeros)) && source->bytes[15] <= 1;
}

bool view_martian(const struct view *view)
{
	return view->v6 ? view_martian6(&view->client) : view_martian4(&view->client);
}

/* --- Ethernet */

static bool view_is_tag(uint16_t type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

/* Behind up to two tags; where there is one, there is room for two. */
static bool view_tags(const struct frame *frame, uint32_t *l3, uint16_t *type)
{
	*l3 = ETH_HLEN;
	*type = frame_get16(&frame->bytes[ETH_HLEN - 2]);
	if (view_is_tag(*type) && frame->size < ETH_HLEN + TAGS_MAX * TAG)
		return false;
	for (int i = 0; i < TAGS_MAX && view_is_tag(*type); i++) {
		*l3 += TAG;
		*type = frame_get16(&frame->bytes[*l3 - 2]);
	}
	return true;
}

void view_read(const struct frame *frame, bool v4, bool v6, struct view *ret)
{
	uint16_t type;

	*ret = (struct view){ .problem = VIEW_WHOLE };
	if (!view_tags(frame, &ret->l3, &type))
		ret->leaves = LBD_OUTCOME_PASS_TRUNCATED;
	else if (type == ETH_P_IP)
		ret->leaves = v4 ? view_ipv4(frame, ret) : LBD_OUTCOME_PASS_NO_SERVICE;
	else if (type == ETH_P_IPV6)
		ret->leaves = v6 ? view_ipv6(frame, ret) : LBD_OUTCOME_PASS_NO_SERVICE;
	else
		ret->leaves = LBD_OUTCOME_PASS_NOT_IP;
}
