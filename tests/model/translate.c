// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/translate.h"

#include <netinet/in.h>

#include "tests/model/wrap.h"

#define IPV6_HEADER 40
#define ICMP_HEADER 8

bool translate_dies(const struct frame *frame, const struct view *view)
{
	return frame->bytes[view->l3 + (view->v6 ? 7 : 8)] <= 1;
}

void translate_macs(struct case_frame *frame, const uint8_t *dmac, const uint8_t *smac)
{
	memcpy(frame->bytes, dmac, 6);
	memcpy(frame->bytes + 6, smac, 6);
}

/* Two bytes change from @was to @is under a checksum (RFC 1624, equation 3). */
static void translate_sum(uint8_t *checksum, uint16_t was, uint16_t is)
{
	uint32_t sum = (uint16_t)~frame_get16(checksum);

	sum += (uint16_t)~was;
	sum += is;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	frame_set16(checksum, (uint16_t)~sum);
}

/* Checksums over what is written; those that aren't there are NULL. */
struct sums {
	uint8_t *all[3];
};

/* What stands at @at becomes @with, under @sums. */
static void translate_put(uint8_t *at, const uint8_t *with, uint32_t size, const struct sums *sums)
{
	for (uint32_t i = 0; i < size; i += 2) {
		for (int n = 0; n < 3; n++)
			if (sums->all[n])
				translate_sum(sums->all[n], frame_get16(at + i),
					      frame_get16(with + i));
		memcpy(at + i, with + i, 2);
	}
}

static void translate_put16(uint8_t *at, uint16_t value, const struct sums *sums)
{
	uint8_t bytes[2];

	frame_set16(bytes, value);
	translate_put(at, bytes, 2, sums);
}

static void translate_addresses(uint8_t *ip, bool v6, const struct translate_ends *ends,
				const struct sums *sums)
{
	if (v6) {
		translate_put(ip + 8, ends->source.bytes, 16, sums);
		translate_put(ip + 24, ends->dest.bytes, 16, sums);
	} else {
		translate_put(ip + 12, ends->source.bytes + 12, 4, sums);
		translate_put(ip + 16, ends->dest.bytes + 12, 4, sums);
	}
}

static void translate_age(uint8_t *ip, bool v6)
{
	const struct sums sums = { { v6 ? NULL : ip + 10 } };

	if (v6)
		ip[7]--;
	else
		translate_put16(ip + 8, (uint16_t)(frame_get16(ip + 8) - 0x100), &sums);
}

/* UDP's checksum 0 says that there is none; one that comes out as 0 is written otherwise. */
static bool translate_has_sum(const uint8_t *sum, uint8_t protocol)
{
	return protocol == IPPROTO_TCP || frame_get16(sum);
}

static void translate_finish(uint8_t *sum, uint8_t protocol)
{
	if (protocol == IPPROTO_UDP && !frame_get16(sum))
		frame_set16(sum, 0xffff);
}

static uint32_t translate_sum_at(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? 6 : 16;
}

void translate_packet(const struct frame *frame, const struct view *view,
		      const struct translate_ends *ends, struct case_frame *ret)
{
	uint8_t *ip = &ret->bytes[view->l3], *l4 = &ret->bytes[view->l4];
	uint8_t *sum = l4 + translate_sum_at(view->protocol);
	struct sums sums = { { view->v6 ? NULL : ip + 10 } };

	wrap_nothing(frame, ret);
	if (!view->fragment && translate_has_sum(sum, view->protocol))
		sums.all[1] = sum;
	translate_addresses(ip, view->v6, ends, &sums);
	translate_age(ip, view->v6);
	if (view->fragment)
		return;
	sums.all[0] = NULL;
	translate_put16(l4, ends->sport, &sums);
	translate_put16(l4 + 2, ends->dport, &sums);
	if (sums.all[1])
		translate_finish(sum, view->protocol);
}

/* --- ICMP errors */

/* What is quoted, and the checksum of ICMP above it. */
static void translate_quote(uint8_t *quote, uint8_t *l4, const uint8_t *end, bool v6,
			    uint8_t protocol, const struct translate_ends *ends, uint8_t *icmp)
{
	uint8_t *sum = l4 + translate_sum_at(protocol), *own = NULL;
	const uint16_t ip_was = frame_get16(quote + 10);
	struct sums sums = { { icmp, v6 ? NULL : quote + 10 } };
	uint16_t was = 0;

	if (sum + 2 <= end && translate_has_sum(sum, protocol)) {
		own = sum;
		was = frame_get16(sum);
	}
	sums.all[2] = own;
	translate_addresses(quote, v6, ends, &sums);
	sums.all[1] = NULL;
	translate_put16(l4, ends->sport, &sums);
	translate_put16(l4 + 2, ends->dport, &sums);
	/* The quoted checksums changed as well, under ICMP's. */
	if (!v6)
		translate_sum(icmp, ip_was, frame_get16(quote + 10));
	if (own) {
		translate_finish(own, protocol);
		translate_sum(icmp, was, frame_get16(own));
	}
}

void translate_error(const struct frame *frame, const struct view *view,
		     const struct translate_ends *outer, const struct translate_ends *quoted,
		     struct case_frame *ret)
{
	uint8_t *ip = &ret->bytes[view->l3], *icmp = &ret->bytes[view->l4] + 2;
	const struct sums sums = { { view->v6 ? icmp : ip + 10 } };

	wrap_nothing(frame, ret);
	translate_addresses(ip, view->v6, outer, &sums);
	translate_age(ip, view->v6);
	translate_quote(&ret->bytes[view->l4 + ICMP_HEADER], &ret->bytes[view->quoted_l4],
			&ret->bytes[view->l3 + view->length], view->v6, view->protocol, quoted,
			icmp);
}
