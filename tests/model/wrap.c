// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/wrap.h"

#include <linux/if_ether.h>
#include <linux/in.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TTL 64
#define DONT_FRAGMENT 0x4000

static void wrap_append(struct case_frame *frame, const void *bytes, uint32_t size)
{
	memcpy(&frame->bytes[frame->size], bytes, size);
	memset(&frame->mask[frame->size], 0xff, size);
	frame->size += size;
}

/* The next @size bytes are for the packet path to choose. */
static void wrap_free(struct case_frame *frame, uint32_t at, uint32_t size)
{
	memset(&frame->mask[at], 0, size);
}

void wrap_nothing(const struct frame *frame, struct case_frame *ret)
{
	ret->size = 0;
	wrap_append(ret, frame->bytes, frame->size);
}

static uint32_t wrap_overhead(const struct service *service, const struct backend *backend)
{
	if (service->forward == LBD_FORWARD_DSR)
		return 0;
	return lbd_addr_is4(&backend->addr) ? IPV4_HEADER : IPV6_HEADER;
}

/* Without a tunnel, what came over one link is taken to fit the other. */
bool wrap_fits(const struct view *view, const struct service *service,
	       const struct backend *backend)
{
	const uint32_t overhead = wrap_overhead(service, backend);

	return !overhead || view->length + overhead <= backend->nexthop.mtu;
}

/* The frame's own tags stay, @type stands behind them. */
static void wrap_ethernet(const struct frame *frame, const struct view *view,
			  const struct backend *backend, uint16_t type, struct case_frame *ret)
{
	wrap_append(ret, backend->nexthop.dmac, 6);
	wrap_append(ret, backend->nexthop.smac, 6);
	wrap_append(ret, &frame->bytes[12], view->l3 - 12);
	frame_set16(&ret->bytes[ret->size - 2], type);
}

/* RFC 2003 with RFC 6040 (DSCP, ECN) and RFC 6864 (id). Its source and checksum are free. */
static void wrap_outer4(const struct view *view, const struct backend *backend,
			struct case_frame *ret)
{
	uint8_t ip[IPV4_HEADER] = { 0x45, view->traffic };
	const uint32_t at = ret->size;

	frame_set16(ip + 2, (uint16_t)(IPV4_HEADER + view->length));
	frame_set16(ip + 6, DONT_FRAGMENT);
	ip[8] = TTL;
	ip[9] = view->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	memcpy(ip + 16, &backend->addr.bytes[12], 4);
	wrap_append(ret, ip, sizeof(ip));
	wrap_free(ret, at + 10, 6);
}

/* RFC 2473. Its flow label and the lower half of its source are free. */
static void wrap_outer6(const struct view *view, const struct backend *backend,
			struct case_frame *ret)
{
	uint8_t ip[IPV6_HEADER] = { 0 };
	const uint32_t at = ret->size;

	frame_set32(ip, 6U << 28 | (uint32_t)view->traffic << 20);
	frame_set16(ip + 4, (uint16_t)view->length);
	ip[6] = view->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	ip[7] = TTL;
	memcpy(ip + 24, backend->addr.bytes, 16);
	wrap_append(ret, ip, sizeof(ip));
	ret->mask[at + 1] = 0xf0;
	wrap_free(ret, at + 2, 2);
	wrap_free(ret, at + 8, 16);
}

void wrap_for(const struct frame *frame, const struct view *view, const struct service *service,
	      const struct backend *backend, struct case_frame *ret)
{
	ret->size = 0;
	if (service->forward == LBD_FORWARD_DSR) {
		wrap_ethernet(frame, view, backend, view->v6 ? ETH_P_IPV6 : ETH_P_IP, ret);
	} else if (lbd_addr_is4(&backend->addr)) {
		wrap_ethernet(frame, view, backend, ETH_P_IP, ret);
		wrap_outer4(view, backend, ret);
	} else {
		wrap_ethernet(frame, view, backend, ETH_P_IPV6, ret);
		wrap_outer6(view, backend, ret);
	}
	wrap_append(ret, &frame->bytes[view->l3], frame->size - view->l3);
}
