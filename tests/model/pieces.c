// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/pieces.h"

static bool pieces_is(const struct datagram *datagram, const struct view *view)
{
	return lbd_addr_equal(&datagram->client, &view->client) &&
	       lbd_addr_equal(&datagram->vip, &view->vip) && datagram->id == view->piece.id &&
	       datagram->protocol == (view->v6 ? 0 : view->protocol);
}

static const struct datagram *pieces_known(const struct pieces *pieces, const struct view *view)
{
	for (uint32_t i = 0; i < pieces->count; i++)
		if (pieces_is(&pieces->datagrams[i], view))
			return &pieces->datagrams[i];
	return NULL;
}

const struct datagram *pieces_find(const struct pieces *pieces, const struct view *view)
{
	const struct datagram *known = pieces_known(pieces, view);

	return known && pieces->now - known->seen <= pieces->timeout ? known : NULL;
}

/* Under the datagram's identity; what is known of it is the caller's to fill in. NULL: no room. */
static struct datagram *pieces_enter(struct pieces *pieces, const struct view *view)
{
	const struct datagram *known = pieces_known(pieces, view);
	const uint32_t place = known ? (uint32_t)(known - pieces->datagrams) : pieces->count;

	if (place == PIECES_MAX)
		return NULL;
	pieces->count += !known;
	pieces->datagrams[place] = (struct datagram){
		.client = view->client,
		.vip = view->vip,
		.id = view->piece.id,
		.protocol = view->v6 ? 0 : view->protocol,
		.size = view->piece.size,
		.flow_protocol = view->protocol,
		.seen = pieces->now,
	};
	return &pieces->datagrams[place];
}

void pieces_remember(struct pieces *pieces, const struct view *view, const struct flow_key *key,
		     uint16_t backend, uint8_t attempt)
{
	struct datagram *datagram = pieces_enter(pieces, view);

	if (!datagram)
		return;
	datagram->key = *key;
	datagram->backend = backend;
	datagram->attempt = attempt;
}

void pieces_remember_answer(struct pieces *pieces, const struct view *view)
{
	struct datagram *datagram = pieces_enter(pieces, view);

	if (!datagram)
		return;
	datagram->answer = true;
	datagram->key.client_port = view->client_port;
	datagram->key.vip_port = view->vip_port;
}
