// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/mutate.h"

#include "tests/model/compose.h"

#define HEADERS 100 /* bytes in which most of what is read stands */
#define AT_IP 14

struct mutation {
	struct random *random;
	struct frame *frame;
	const struct frame *past;
	uint32_t past_count;
};

static uint32_t mutate_at(const struct mutation *m)
{
	uint32_t room = m->frame->size;

	if (room > HEADERS && random_chance(m->random, 90))
		room = HEADERS;
	return random_below(m->random, room);
}

static void mutate_bit(const struct mutation *m)
{
	m->frame->bytes[mutate_at(m)] ^= (uint8_t)(1 << random_below(m->random, 8));
}

static void mutate_byte(const struct mutation *m)
{
	static const uint8_t extremes[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff };

	m->frame->bytes[mutate_at(m)] = random_chance(m->random, 50)
						? RANDOM_OF(m->random, extremes)
						: (uint8_t)random_next(m->random);
}

static void mutate_truncate(const struct mutation *m)
{
	uint32_t most = m->frame->size;

	if (most > HEADERS && random_chance(m->random, 70))
		most = HEADERS;
	m->frame->size = random_between(m->random, FRAME_MIN, most);
}

static void mutate_extend(const struct mutation *m)
{
	uint32_t more = random_between(m->random, 1, 80);

	for (; more && m->frame->size < FRAME_MAX; more--)
		m->frame->bytes[m->frame->size++] = (uint8_t)random_next(m->random);
}

/* A length near the truth: the most likely to be taken for it. */
static void mutate_near16(const struct mutation *m, uint32_t at)
{
	uint8_t *field = &m->frame->bytes[at];

	if (at + 2 > m->frame->size)
		return;
	if (random_chance(m->random, 70))
		frame_set16(field,
			    (uint16_t)(frame_get16(field) + random_below(m->random, 17) - 8));
	else
		frame_set16(field, (uint16_t)random_below(m->random, 80));
}

static void mutate_ip_length(const struct mutation *m)
{
	const bool v6 = m->frame->bytes[12] == 0x86;

	mutate_near16(m, AT_IP + (v6 ? 4 : 2));
}

static void mutate_udp_length(const struct mutation *m)
{
	const bool v6 = m->frame->bytes[12] == 0x86;

	mutate_near16(m, AT_IP + (v6 ? 44 : 24));
}

/* IHL, or the version. */
static void mutate_first(const struct mutation *m)
{
	const uint8_t mask = random_chance(m->random, 70) ? 0x0f : 0xf0;

	if (m->frame->size > AT_IP)
		m->frame->bytes[AT_IP] ^= (uint8_t)(random_next(m->random) & mask);
}

static void mutate_tcp_offset(const struct mutation *m)
{
	const bool v6 = m->frame->bytes[12] == 0x86;
	const uint32_t at = AT_IP + (v6 ? 40 : 20) + 12;

	if (at < m->frame->size)
		m->frame->bytes[at] ^= (uint8_t)(random_next(m->random) & 0xf0);
}

/* The beginning of another frame, this one's end. */
static void mutate_splice(const struct mutation *m)
{
	const struct frame *other;
	uint32_t size;

	if (!m->past_count)
		return;
	other = &m->past[random_below(m->random, m->past_count)];
	size = random_between(m->random, 1, HEADERS);
	if (size > other->size)
		size = other->size;
	if (size > m->frame->size)
		size = m->frame->size;
	memcpy(m->frame->bytes, other->bytes, size);
}

/* Bytes of the frame come twice, or are missing. */
static void mutate_shift(const struct mutation *m)
{
	const uint32_t at = mutate_at(m), by = random_between(m->random, 1, 12);
	struct frame *frame = m->frame;

	if (random_chance(m->random, 50)) {
		if (frame->size + by > FRAME_MAX)
			return;
		memmove(&frame->bytes[at + by], &frame->bytes[at], frame->size - at);
		frame->size += by;
	} else if (at + by < frame->size && frame->size - by >= FRAME_MIN) {
		memmove(&frame->bytes[at], &frame->bytes[at + by], frame->size - at - by);
		frame->size -= by;
	}
}

void mutate_frame(struct random *random, struct frame *frame, const struct frame *past,
		  uint32_t count)
{
	static void (*const ways[])(const struct mutation *) = {
		mutate_bit,	   mutate_bit,	  mutate_bit,	    mutate_byte,       mutate_byte,
		mutate_truncate,   mutate_extend, mutate_ip_length, mutate_udp_length, mutate_first,
		mutate_tcp_offset, mutate_splice, mutate_shift,
	};
	const struct mutation m = { random, frame, past, count };
	uint32_t times = random_chance(random, 70) ? 1 : random_between(random, 2, 5);

	while (times--)
		RANDOM_OF(random, ways)(&m);
	if (random_chance(random, 50))
		compose_fix_ipv4(frame, AT_IP);
}
