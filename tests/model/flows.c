// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int flows_make(struct flows *flows, uint32_t most)
{
	*flows = (struct flows){ .places = 64 };
	while (flows->places < 2 * most)
		flows->places *= 2;
	flows->slots = calloc(flows->places, sizeof(*flows->slots));
	return flows->slots ? 0 : -ENOMEM;
}

void flows_free(struct flows *flows)
{
	free(flows->slots);
	*flows = (struct flows){ 0 };
}

void flows_clear(struct flows *flows)
{
	memset(flows->slots, 0, flows->places * sizeof(*flows->slots));
	flows->count = 0;
}

/* FNV-1a. */
static uint32_t flows_hash(const struct flow_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 16777619U;
	return hash;
}

/* The flow's slot, or the empty one where it would be. */
static struct flow *flows_slot(const struct flows *flows, const struct flow_key *key)
{
	uint32_t at = flows_hash(key);

	for (;; at++) {
		struct flow *flow = &flows->slots[at & (flows->places - 1)];

		if (!flow->used || !memcmp(&flow->key, key, sizeof(*key)))
			return flow;
	}
}

struct flow *flows_find(const struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = flows_slot(flows, key);

	return flow->used ? flow : NULL;
}

struct flow *flows_add(struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = flows_slot(flows, key);

	*flow = (struct flow){ .used = true, .key = *key };
	flows->count++;
	return flow;
}
