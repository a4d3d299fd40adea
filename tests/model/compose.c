// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/compose.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define LEAST 60

static uint8_t *compose_append(struct frame *frame, const void *bytes, uint32_t size)
{
	uint8_t *at = &frame->bytes[frame->size];

	if (bytes)
		memcpy(at, bytes, size);
	else
		memset(at, 0, size);
	frame->size += size;
	return at;
}

static void compose_append16(struct frame *frame, uint16_t value)
{
	frame_set16(compose_append(frame, NULL, 2), value);
}

/* --- from the inside out: how long everything is */

static uint32_t compose_l4_header(const struct composition *plan)
{
	switch (plan->protocol) {
	case IPPROTO_TCP:
		return 20 + plan->tcp_words * 4U;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

/* A later fragment begins anywhere in the load. */
static bool compose_is_later(const struct composition *plan)
{
	return plan->v6 ? plan->fragment & 0xfff8 : plan->fragment & 0x1fff;
}

static uint32_t compose_extensions_size(const struct composition *plan)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < plan->extensions_count; i++)
		size += plan->extensions[i].words * 8U;
	return size;
}

static uint32_t compose_load_size(const struct composition *plan)
{
	const uint32_t before = ETH_HLEN + plan->tags_count * 4 + IPV6_HEADER + 40 +
				compose_extensions_size(plan) + compose_l4_header(plan);

	return plan->load_size > FRAME_MAX - before ? FRAME_MAX - before : plan->load_size;
}

/* --- headers */

static void compose_ethernet(const struct composition *plan, struct frame *frame)
{
	compose_append(frame, plan->dmac, 6);
	compose_append(frame, plan->smac, 6);
	for (uint32_t i = 0; i < plan->tags_count; i++) {
		compose_append16(frame, plan->tags[i].type);
		compose_append16(frame, plan->tags[i].tci);
	}
	compose_append16(frame, plan->v6 ? ETH_P_IPV6 : ETH_P_IP);
}

void compose_fix_ipv4(struct frame *frame, uint32_t at)
{
	uint8_t *ip = &frame->bytes[at];
	uint32_t size = (ip[0] & 0xfU) * 4;

	if (at + IPV4_HEADER > frame->size || size < IPV4_HEADER || at + size > frame->size)
		return;
	frame_set16(ip + 10, 0);
	frame_set16(ip + 10, frame_checksum(ip, size, 0));
}

static void compose_ipv4(const struct composition *plan, uint32_t size, struct frame *frame)
{
	const uint32_t header = IPV4_HEADER + plan->options_words * 4U, at = frame->size;
	uint8_t *ip = compose_append(frame, NULL, IPV4_HEADER);

	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = plan->traffic;
	frame_set16(ip + 2, (uint16_t)(header + size));
	frame_set16(ip + 4, plan->id);
	frame_set16(ip + 6, plan->fragment);
	ip[8] = plan->ttl;
	ip[9] = plan->protocol;
	memcpy(ip + 12, &plan->source.bytes[12], 4);
	memcpy(ip + 16, &plan->dest.bytes[12], 4);
	compose_append(frame, plan->options, plan->options_words * 4U);
	compose_fix_ipv4(frame, at);
}

static void compose_extension(const struct composition *plan, uint32_t i, struct frame *frame)
{
	const struct compose_extension *extension = &plan->extensions[i];
	uint8_t *header = compose_append(frame, NULL, extension->words * 8U);

	header[0] = i + 1 < plan->extensions_count ? plan->extensions[i + 1].type : plan->protocol;
	if (extension->type == IPPROTO_FRAGMENT) {
		frame_set16(header + 2, plan->fragment);
		frame_set32(header + 4, plan->id);
		return;
	}
	/* RFC 4302 counts the words of AH in fours, less two; all others in eights, less one. */
	header[1] = extension->type == IPPROTO_AH ? (uint8_t)(extension->words * 2 - 2)
						  : (uint8_t)(extension->words - 1);
	if (extension->words * 8 > 4) { /* one option that fills the rest: PadN */
		header[2] = 1;
		header[3] = (uint8_t)(extension->words * 8 - 4);
	}
}

static void compose_ipv6(const struct composition *plan, uint32_t size, struct frame *frame)
{
	uint8_t *ip = compose_append(frame, NULL, IPV6_HEADER);

	frame_set32(ip, 6U << 28 | (uint32_t)plan->traffic << 20 | (plan->flow_label & 0xfffff));
	frame_set16(ip + 4, (uint16_t)(compose_extensions_size(plan) + size));
	ip[6] = plan->extensions_count ? plan->extensions[0].type : plan->protocol;
	ip[7] = plan->ttl;
	memcpy(ip + 8, plan->source.bytes, 16);
	memcpy(ip + 24, plan->dest.bytes, 16);
	for (uint32_t i = 0; i < plan->extensions_count; i++)
		compose_extension(plan, i, frame);
}

static void compose_l4(const struct composition *plan, uint32_t size, struct frame *frame)
{
	uint8_t *l4 = compose_append(frame, NULL, compose_l4_header(plan));

	switch (plan->protocol) {
	case IPPROTO_TCP:
		frame_set32(l4 + 4, 1);
		l4[12] = (uint8_t)(compose_l4_header(plan) / 4 << 4);
		l4[13] = plan->flags;
		memset(l4 + 20, 1, plan->tcp_words * 4U); /* NOP */
		break;
	case IPPROTO_UDP:
		frame_set16(l4 + 4, (uint16_t)size);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		l4[0] = plan->icmp_type;
		l4[1] = plan->icmp_code;
		frame_set32(l4 + 4, plan->icmp_rest);
		return;
	default:
		return;
	}
	frame_set16(l4, plan->sport);
	frame_set16(l4 + 2, plan->dport);
}

/* --- the transport's checksum, with its pseudo header (RFC 9293, 768, 4443) */

static uint32_t compose_pseudo(const struct composition *plan, uint32_t size)
{
	uint32_t sum = size + plan->protocol;

	for (int i = plan->v6 ? 0 : 12; i < 16; i += 2)
		sum += (uint32_t)frame_get16(&plan->source.bytes[i]) +
		       frame_get16(&plan->dest.bytes[i]);
	return plan->protocol == IPPROTO_ICMP ? 0 : sum;
}

static int compose_checksum_at(const struct composition *plan)
{
	switch (plan->protocol) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return plan->no_checksum ? -1 : 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return -1;
	}
}

static void compose_sum(const struct composition *plan, uint8_t *l4, uint32_t size)
{
	const int at = compose_checksum_at(plan);
	uint16_t sum;

	if (at < 0)
		return;
	sum = frame_checksum(l4, size, compose_pseudo(plan, size));
	frame_set16(l4 + at, sum || plan->protocol != IPPROTO_UDP ? sum : 0xffff);
}

void compose_frame(const struct composition *plan, struct frame *ret)
{
	const uint32_t header = compose_is_later(plan) ? 0 : compose_l4_header(plan);
	const uint32_t size = header + compose_load_size(plan);
	uint32_t l4;

	ret->size = 0;
	compose_ethernet(plan, ret);
	if (plan->v6)
		compose_ipv6(plan, size, ret);
	else
		compose_ipv4(plan, size, ret);
	l4 = ret->size;
	if (header)
		compose_l4(plan, size, ret);
	compose_append(ret, plan->load, size - header);
	if (header)
		compose_sum(plan, &ret->bytes[l4], size);
	if (plan->pad && ret->size < LEAST)
		compose_append(ret, NULL, LEAST - ret->size);
}
