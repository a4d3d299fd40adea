/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame as bytes, with reads and writes in network order. */
#ifndef MODEL_FRAME_H
#define MODEL_FRAME_H

#include <stdint.h>
#include <string.h>

#include "lbd/types.h"

/* What leaves, with any tunnel header, must fit CASE_FRAME_MAX. */
#define FRAME_MAX 1900
#define FRAME_MIN 14

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t size;
};

static inline uint16_t frame_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t frame_get32(const uint8_t *at)
{
	return (uint32_t)frame_get16(at) << 16 | frame_get16(at + 2);
}

static inline void frame_set16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void frame_set32(uint8_t *at, uint32_t value)
{
	frame_set16(at, (uint16_t)(value >> 16));
	frame_set16(at + 2, (uint16_t)value);
}

/* The Internet checksum of RFC 1071, over @size bytes and what @sum already holds. */
static inline uint16_t frame_checksum(const uint8_t *at, uint32_t size, uint32_t sum)
{
	for (uint32_t i = 0; i + 1 < size; i += 2)
		sum += frame_get16(at + i);
	if (size % 2)
		sum += (uint32_t)at[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline struct lbd_addr frame_addr4(const uint8_t *at)
{
	struct lbd_addr addr = { .bytes = { [10] = 0xff, [11] = 0xff } };

	memcpy(&addr.bytes[12], at, 4);
	return addr;
}

static inline struct lbd_addr frame_addr6(const uint8_t *at)
{
	struct lbd_addr addr;

	memcpy(addr.bytes, at, 16);
	return addr;
}

#endif
