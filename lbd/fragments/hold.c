// SPDX-License-Identifier: GPL-2.0-or-later
#include "fragments/hold.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct datagram {
	struct lbd_fragment_key key; /* first: compared by */
	TAILQ_ENTRY(datagram) place;
	int64_t since_ms;
	struct hold_frame *frames; /* by offset */
};

TAILQ_HEAD(datagrams, datagram);

struct hold {
	struct datagrams datagrams; /* the oldest first */
	void *index;		    /* tsearch, by key */
	size_t memory, used;
	int64_t timeout_ms;
};

struct hold *hold_new(size_t memory, int64_t timeout_ms)
{
	struct hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		return NULL;
	TAILQ_INIT(&hold->datagrams);
	hold->memory = memory;
	hold->timeout_ms = timeout_ms;
	return hold;
}

static int hold_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lbd_fragment_key));
}

static size_t hold_charge(uint32_t size)
{
	size_t needed = sizeof(struct hold_frame) + sizeof(struct datagram) + size;

	return needed > HOLD_CHARGE_MIN ? needed : HOLD_CHARGE_MIN;
}

/* Returns how many frames it had. */
static uint32_t hold_drop(struct hold *hold, struct datagram *datagram)
{
	uint32_t count = 0;

	while (datagram->frames) {
		struct hold_frame *frame = datagram->frames;

		datagram->frames = frame->next;
		hold->used -= hold_charge(frame->size);
		free(frame);
		count++;
	}
	tdelete(datagram, &hold->index, hold_compare);
	TAILQ_REMOVE(&hold->datagrams, datagram, place);
	free(datagram);
	return count;
}

void hold_free(struct hold *hold)
{
	if (!hold)
		return;
	while (!TAILQ_EMPTY(&hold->datagrams))
		hold_drop(hold, TAILQ_FIRST(&hold->datagrams));
	free(hold);
}

static struct datagram *hold_find(struct hold *hold, const struct lbd_fragment_key *key,
				  int64_t now_ms)
{
	struct datagram **found = tfind(key, &hold->index, hold_compare);
	struct datagram *datagram;

	if (found)
		return *found;
	datagram = calloc(1, sizeof(*datagram));
	if (!datagram)
		return NULL;
	datagram->key = *key;
	datagram->since_ms = now_ms;
	if (!tsearch(datagram, &hold->index, hold_compare)) {
		free(datagram);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&hold->datagrams, datagram, place);
	return datagram;
}

static void hold_insert(struct datagram *datagram, struct hold_frame *frame)
{
	struct hold_frame **at = &datagram->frames;

	while (*at && (*at)->offset <= frame->offset)
		at = &(*at)->next;
	frame->next = *at;
	*at = frame;
}

int hold_add(struct hold *hold, const struct lbd_fragment_key *key, uint32_t ifindex,
	     uint32_t offset, const void *bytes, uint32_t size, int64_t now_ms)
{
	struct datagram *datagram;
	struct hold_frame *frame;

	if (hold->used + hold_charge(size) > hold->memory)
		return -ENOBUFS;
	frame = malloc(sizeof(*frame) + size);
	datagram = frame ? hold_find(hold, key, now_ms) : NULL;
	if (!datagram) {
		free(frame);
		return -ENOBUFS;
	}
	frame->ifindex = ifindex;
	frame->offset = offset;
	frame->size = size;
	memcpy(frame->bytes, bytes, size);
	hold_insert(datagram, frame);
	hold->used += hold_charge(size);
	return 0;
}

uint32_t hold_release(struct hold *hold, hold_ready ready, hold_send send, void *context)
{
	struct datagram *datagram = TAILQ_FIRST(&hold->datagrams), *next;
	uint32_t count = 0;

	for (; datagram; datagram = next) {
		next = TAILQ_NEXT(datagram, place);
		if (!ready(context, &datagram->key))
			continue;
		for (const struct hold_frame *frame = datagram->frames; frame; frame = frame->next)
			send(context, &datagram->key, frame);
		count += hold_drop(hold, datagram);
	}
	return count;
}

uint32_t hold_expire(struct hold *hold, int64_t now_ms)
{
	struct datagram *oldest;
	uint32_t count = 0;

	while ((oldest = TAILQ_FIRST(&hold->datagrams)) &&
	       now_ms - oldest->since_ms >= hold->timeout_ms)
		count += hold_drop(hold, oldest);
	return count;
}

bool hold_is_empty(const struct hold *hold)
{
	return TAILQ_EMPTY(&hold->datagrams);
}

size_t hold_used(const struct hold *hold)
{
	return hold->used;
}
