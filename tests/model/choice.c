// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/choice.h"

#include <netinet/in.h>

#include "base/addr.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40

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
	const bool same = place->label == choice->label && place->port == choice->port &&
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

/* What the IPv4 header at @ip shows. */
static bool choice_read4(const struct world *world, const uint8_t *ip, struct choice *ret,
			 const char **ret_wrong)
{
	*ret_wrong = "the outer source isn't of the configured prefix";
	if (!choice_in4(world, ip))
		return false;
	*ret_wrong = "the outer IPv4 header's checksum";
	if (frame_checksum(ip, IPV4_HEADER, 0))
		return false;
	memcpy(ret->source, ip + 12, 4);
	if (ip[9] == IPPROTO_UDP)
		ret->port = frame_get16(ip + IPV4_HEADER);
	return true;
}

static bool choice_read6(const struct world *world, const uint8_t *ip, struct choice *ret,
			 const char **ret_wrong)
{
	*ret_wrong = "the outer source isn't of the configured prefix";
	if (!choice_in6(world, ip))
		return false;
	ret->v6 = true;
	ret->label = frame_get32(ip) & 0xfffff;
	memcpy(ret->source, ip + 8, 16);
	if (ip[6] == IPPROTO_UDP)
		ret->port = frame_get16(ip + IPV6_HEADER);
	return true;
}

bool choice_check(struct choices *choices, const struct world *world,
		  const struct expectation *expected, const uint8_t *frame, const char **ret_wrong)
{
	const uint8_t *ip = frame + expected->view.l3;
	const bool v4 = lbd_addr_is4(&expected->backend->addr);
	struct choice choice = { .key = expected->key };

	if (v4 ? !choice_read4(world, ip, &choice, ret_wrong)
	       : !choice_read6(world, ip, &choice, ret_wrong))
		return false;
	*ret_wrong = "what varies per flow isn't as in the flow's earlier packets";
	return choice_same(choices, &choice);
}
