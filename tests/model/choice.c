// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/choice.h"

#include "base/addr.h"

#define IPV4_HEADER 20

static struct choice *choice_place(struct choices *choices, const struct flow_key *key, bool v6)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t hash = v6;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = hash * 31 + bytes[i];
	return &choices->places[hash % CHOICE_PLACES];
}

/* The service doesn't count: a client's flow looks alike from every node. */
static bool choice_same(struct choices *choices, const struct choice *choice)
{
	struct choice *place = choice_place(choices, &choice->key, choice->v6);
	const bool known =
		place->v6 == choice->v6 && !memcmp(&place->key, &choice->key, sizeof(place->key));
	const bool same = place->label == choice->label &&
			  !memcmp(place->source, choice->source, sizeof(place->source));

	*place = *choice;
	return !known || same;
}

static bool choice_in4(const struct world *world, const uint8_t *ip)
{
	const struct lbd_addr source = frame_addr4(ip + 12);

	return addr_in_prefix(&source, &world->model->tunnel4);
}

static bool choice_in6(const struct world *world, const uint8_t *ip)
{
	const struct lbd_addr source = frame_addr6(ip + 8);

	return addr_in_prefix(&source, &world->model->tunnel6);
}

bool choice_check(struct choices *choices, const struct world *world,
		  const struct expectation *expected, const uint8_t *frame, const char **ret_wrong)
{
	const uint8_t *ip = frame + expected->view.l3;
	struct choice choice = { .key = expected->key };

	*ret_wrong = "the outer source isn't of the configured prefix";
	if (lbd_addr_is4(&expected->backend->addr)) {
		if (!choice_in4(world, ip))
			return false;
		*ret_wrong = "the outer IPv4 header's checksum";
		if (frame_checksum(ip, IPV4_HEADER, 0))
			return false;
		memcpy(choice.source, ip + 12, 4);
	} else {
		if (!choice_in6(world, ip))
			return false;
		choice.v6 = true;
		choice.label = frame_get32(ip) & 0xfffff;
		memcpy(choice.source, ip + 8, 16);
	}
	*ret_wrong = "the outer source isn't that of the flow's earlier packets";
	return choice_same(choices, &choice);
}
