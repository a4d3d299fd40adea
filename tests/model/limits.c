// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/limits.h"

#include <string.h>

#define BATCHES 64
#define BATCH_MAX 64

static struct limits_bucket *limits_bucket(struct limits *limits, const struct limits_key *key,
					   int64_t full)
{
	struct limits_bucket *bucket = limits->buckets;

	for (; bucket < &limits->buckets[limits->count]; bucket++)
		if (!memcmp(&bucket->key, key, sizeof(*key)))
			return bucket;
	if (limits->count == LIMITS_MAX)
		return NULL;
	limits->count++;
	*bucket = (struct limits_bucket){ *key, full, limits->jiffies, 0 };
	return bucket;
}

/* Take @tokens, if there is at least one. */
static bool limits_take(struct limits *limits, const struct limits_key *key, uint32_t rate,
			uint32_t burst_ms, uint32_t tokens)
{
	const int64_t full = (int64_t)rate * burst_ms * limits->hz / 1000;
	struct limits_bucket *bucket = limits_bucket(limits, key, full);

	if (!bucket)
		return true;
	bucket->level += (limits->jiffies - bucket->jiffies) * rate;
	if (bucket->level > full)
		bucket->level = full;
	bucket->jiffies = limits->jiffies;
	if (bucket->level < limits->hz)
		return false;
	bucket->level -= tokens * limits->hz;
	return true;
}

static bool limits_take_batch(struct limits *limits, const struct limits_key *key, uint32_t rate,
			      uint32_t burst_ms)
{
	struct limits_bucket *bucket =
		limits_bucket(limits, key, (int64_t)rate * burst_ms * limits->hz / 1000);
	uint32_t batch = ((uint32_t)((uint64_t)rate * burst_ms / 1000) - 1) / BATCHES;

	if (batch > BATCH_MAX)
		batch = BATCH_MAX;
	if (!batch)
		batch = 1;
	if (!bucket)
		return true;
	if (!bucket->credit) {
		if (!limits_take(limits, key, rate, burst_ms, batch))
			return false;
		bucket->credit = batch;
	}
	bucket->credit--;
	return true;
}

/* The first @bits of the address. */
static void limits_source(const struct model *model, struct limits_sender sender, uint8_t *ret)
{
	const uint32_t bits = sender.v6 ? model->source_bits6 : model->source_bits4;

	memset(ret, 0, 8);
	for (uint32_t bit = 0; bit < bits && bit < 64; bit++)
		ret[bit / 8] |=
			sender.addr->bytes[(sender.v6 ? 0 : 12) + bit / 8] & 0x80 >> bit % 8;
}

static uint32_t limits_rate(const struct config_rates *rates, enum limits_ask ask)
{
	return ask == LIMITS_PACKET ? rates->packets : rates->new;
}

static bool limits_source_allows(struct limits *limits, const struct limits_key *key,
				 const struct config_rates *rates, enum limits_ask ask)
{
	const uint32_t rate = limits_rate(rates, ask);

	return !rate || limits_take(limits, key, rate, rates->burst_ms, 1);
}

int limits_check(struct limits *limits, const struct model *model, const struct service *service,
		 struct limits_sender sender, enum limits_ask ask)
{
	const bool packet = ask == LIMITS_PACKET;
	struct limits_key key = { .ask = ask, .v6 = sender.v6 };
	uint32_t rate;

	limits_source(model, sender, key.source);
	if (!limits_source_allows(limits, &key, &model->source_limits, ask))
		return packet ? LBD_OUTCOME_DROP_SOURCE_PACKETS : LBD_OUTCOME_DROP_SOURCE_NEW;
	if (!service)
		return LIMITS_PASS;
	key.service = service->id;
	if (!limits_source_allows(limits, &key, &service->source_limits, ask))
		return packet ? LBD_OUTCOME_DROP_SOURCE_PACKETS : LBD_OUTCOME_DROP_SOURCE_NEW;
	key = (struct limits_key){ .service = service->id, .ask = ask, .all = true };
	rate = limits_rate(&service->limits, ask);
	if (rate && !limits_take_batch(limits, &key, rate, service->limits.burst_ms))
		return packet ? LBD_OUTCOME_DROP_SERVICE_PACKETS : LBD_OUTCOME_DROP_SERVICE_NEW;
	return LIMITS_PASS;
}
