// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/wrap.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define MIDDLE_MAX 30
#define TTL 64
#define DONT_FRAGMENT 0x4000
#define TRANSPARENT_ETHERNET 0x6558

void wrap_append(struct case_frame *frame, const void *bytes, uint32_t size)
{
	memcpy(&frame->bytes[frame->size], bytes, size);
	memset(&frame->mask[frame->size], 0xff, size);
	frame->size += size;
}

/* These @size bytes are for the packet path to choose. */
static void wrap_free(struct case_frame *frame, uint32_t at, uint32_t size)
{
	memset(&frame->mask[at], 0, size);
}

void wrap_nothing(const struct frame *frame, struct case_frame *ret)
{
	ret->size = 0;
	wrap_append(ret, frame->bytes, frame->size);
}

/* --- what stands between the outer IP header and the packet */

struct middle {
	uint8_t bytes[MIDDLE_MAX];
	uint32_t size;
	uint8_t protocol; /* of the outer IP header */
};

static uint16_t wrap_type(const struct wrap *wrap)
{
	return wrap->view->v6 ? ETH_P_IPV6 : ETH_P_IP;
}

/* Its checksum is 0 (RFC 6935), its source port free. */
static void wrap_udp(const struct wrap *wrap, __be16 port, uint32_t size, struct middle *ret)
{
	ret->protocol = IPPROTO_UDP;
	ret->size = size;
	memcpy(ret->bytes + 2, &port, sizeof(port));
	frame_set16(ret->bytes + 4, (uint16_t)(size + wrap->view->length));
}

/* The frame inside VXLAN and Geneve begins at @at. */
static void wrap_inner_ethernet(const struct wrap *wrap, uint32_t at, struct middle *ret)
{
	memcpy(ret->bytes + at, wrap->model->tunnel.inner_macs, 12);
	frame_set16(ret->bytes + at + 12, wrap_type(wrap));
}

static void wrap_middle(const struct wrap *wrap, struct middle *ret)
{
	const struct lbd_tunnel *tunnel = &wrap->model->tunnel;
	uint8_t *overlay = ret->bytes + UDP_HEADER;

	*ret = (struct middle){ .protocol = wrap->view->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP };
	switch (wrap->service->forward) {
	case LBD_FORWARD_GUE: /* as Katran's: the packet right behind UDP */
		wrap_udp(wrap, tunnel->gue_port, UDP_HEADER, ret);
		break;
	case LBD_FORWARD_GRE: /* RFC 2784 */
		ret->protocol = IPPROTO_GRE;
		ret->size = 4;
		frame_set16(ret->bytes + 2, wrap_type(wrap));
		break;
	case LBD_FORWARD_VXLAN: /* RFC 7348 */
		wrap_udp(wrap, tunnel->vxlan_port, MIDDLE_MAX, ret);
		overlay[0] = 0x08; /* the VNI is valid */
		frame_set32(overlay + 4, wrap->service->vni << 8);
		wrap_inner_ethernet(wrap, UDP_HEADER + 8, ret);
		break;
	case LBD_FORWARD_GENEVE: /* RFC 8926, without options */
		wrap_udp(wrap, tunnel->geneve_port, MIDDLE_MAX, ret);
		frame_set16(overlay + 2, TRANSPARENT_ETHERNET);
		frame_set32(overlay + 4, wrap->service->vni << 8);
		wrap_inner_ethernet(wrap, UDP_HEADER + 8, ret);
		break;
	}
}

/* --- outer headers */

uint32_t wrap_room(const struct wrap *wrap)
{
	const uint32_t outer = lbd_addr_is4(&wrap->backend->addr) ? IPV4_HEADER : IPV6_HEADER;
	struct middle middle = { 0 };

	if (wrap->service->forward == LBD_FORWARD_DSR)
		return wrap->redirected ? wrap->backend->nexthop.mtu : UINT32_MAX;
	if (wrap->service->forward == LBD_FORWARD_NAT)
		return wrap->backend->nexthop.mtu;
	wrap_middle(wrap, &middle);
	return wrap->backend->nexthop.mtu - outer - middle.size;
}

/* The frame's own tags stay, @type stands behind them. */
static void wrap_ethernet(const struct wrap *wrap, uint16_t type, struct case_frame *ret)
{
	wrap_append(ret, wrap->backend->nexthop.dmac, 6);
	wrap_append(ret, wrap->backend->nexthop.smac, 6);
	wrap_append(ret, &wrap->frame->bytes[12], wrap->view->l3 - 12);
	frame_set16(&ret->bytes[ret->size - 2], type);
}

/* RFC 2003 with RFC 6040 (DSCP, ECN) and RFC 6864 (id). Its source and checksum are free. */
static void wrap_outer4(const struct wrap *wrap, const struct middle *middle,
			struct case_frame *ret)
{
	uint8_t ip[IPV4_HEADER] = { 0x45, wrap->view->traffic };
	const uint32_t at = ret->size;

	frame_set16(ip + 2, (uint16_t)(IPV4_HEADER + middle->size + wrap->view->length));
	frame_set16(ip + 6, DONT_FRAGMENT);
	ip[8] = TTL;
	ip[9] = middle->protocol;
	memcpy(ip + 16, &wrap->backend->addr.bytes[12], 4);
	wrap_append(ret, ip, sizeof(ip));
	wrap_free(ret, at + 10, 6);
}

/* RFC 2473. Its flow label and the lower half of its source are free. */
static void wrap_outer6(const struct wrap *wrap, const struct middle *middle,
			struct case_frame *ret)
{
	uint8_t ip[IPV6_HEADER] = { 0 };
	const uint32_t at = ret->size;

	frame_set32(ip, 6U << 28 | (uint32_t)wrap->view->traffic << 20);
	frame_set16(ip + 4, (uint16_t)(middle->size + wrap->view->length));
	ip[6] = middle->protocol;
	ip[7] = TTL;
	memcpy(ip + 24, wrap->backend->addr.bytes, 16);
	wrap_append(ret, ip, sizeof(ip));
	ret->mask[at + 1] = 0xf0;
	wrap_free(ret, at + 2, 2);
	wrap_free(ret, at + 8, 16);
}

static void wrap_tunnel(const struct wrap *wrap, struct case_frame *ret)
{
	struct middle middle = { 0 };

	wrap_middle(wrap, &middle);
	if (lbd_addr_is4(&wrap->backend->addr)) {
		wrap_ethernet(wrap, ETH_P_IP, ret);
		wrap_outer4(wrap, &middle, ret);
	} else {
		wrap_ethernet(wrap, ETH_P_IPV6, ret);
		wrap_outer6(wrap, &middle, ret);
	}
	wrap_append(ret, middle.bytes, middle.size);
	if (middle.protocol == IPPROTO_UDP)
		wrap_free(ret, ret->size - middle.size, 2);
}

void wrap_for(const struct wrap *wrap, struct case_frame *ret)
{
	const uint32_t l3 = wrap->view->l3;

	ret->size = 0;
	if (wrap->service->forward == LBD_FORWARD_DSR)
		wrap_ethernet(wrap, wrap_type(wrap), ret);
	else
		wrap_tunnel(wrap, ret);
	wrap_append(ret, &wrap->frame->bytes[l3], wrap->frame->size - l3);
}
