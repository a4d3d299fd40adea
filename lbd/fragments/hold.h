/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments that wait for the first of their datagram, by datagram: within a
 * bound of memory, and for a bounded time. Knows no kernel and no clock.
 */
#ifndef FRAGMENTS_HOLD_H
#define FRAGMENTS_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lbd/maps.h"

struct hold;

/* What one fragment counts at least, so that small ones can't be many. */
#define HOLD_CHARGE_MIN 2048

struct hold_frame {
	struct hold_frame *next;
	uint32_t ifindex; /* that it came from */
	uint32_t offset;  /* of its data in the datagram's */
	uint32_t size;
	uint8_t bytes[];
};

/* NULL without memory. Accepts NULL to free. */
struct hold *hold_new(size_t memory, int64_t timeout_ms);
void hold_free(struct hold *hold);

/* Keep a copy of the frame. -ENOBUFS: the bound of memory is reached. */
int hold_add(struct hold *hold, const struct lbd_fragment_key *key, uint32_t ifindex,
	     uint32_t offset, const void *frame, uint32_t size, int64_t now_ms);

/*
 * Is the datagram's time come? Asked of each. True: @send gets its frames, by
 * their offsets, and they are no longer held. Returns how many were sent.
 */
typedef bool (*hold_ready)(void *context, const struct lbd_fragment_key *key);
typedef void (*hold_send)(void *context, const struct lbd_fragment_key *key,
			  const struct hold_frame *frame);
uint32_t hold_release(struct hold *hold, hold_ready ready, hold_send send, void *context);

/* Forget what has waited too long. Returns how many frames. */
uint32_t hold_expire(struct hold *hold, int64_t now_ms);

bool hold_is_empty(const struct hold *hold);

/* Bytes that count against the bound. */
size_t hold_used(const struct hold *hold);

#endif
