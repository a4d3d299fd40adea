// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/quic.h"

#include <netinet/in.h>

#define UDP_HEADER 8
#define NONCE_LEAST 4

struct quic_id {
	const uint8_t *bytes;
	uint32_t size;
};

/* Where the connection id is, in what UDP says it carries and the packet has. */
static bool quic_read(const struct frame *frame, const struct view *view, struct quic_id *ret)
{
	const uint8_t *quic = &frame->bytes[view->l4 + UDP_HEADER];
	const uint32_t said = frame_get16(&frame->bytes[view->l4 + 4]);
	const uint32_t there = view->l3 + view->length - view->l4;
	const uint32_t size = (said < there ? said : there) - UDP_HEADER;

	if (size < 2)
		return false;
	if (!(quic[0] & 0x80)) { /* a short header: of unknown length */
		*ret = (struct quic_id){ quic + 1, size - 1 };
		return true;
	}
	if (size < 7)
		return false;
	*ret = (struct quic_id){ quic + 6, quic[5] };
	return ret->size && ret->size <= size - 6;
}

static bool quic_is(const struct backend *backend, const uint8_t *server, uint32_t length)
{
	for (uint32_t i = 0; i < backend->server_ids_count; i++)
		if (backend->server_ids[i].length == length &&
		    !memcmp(backend->server_ids[i].octets, server, length))
			return true;
	return false;
}

static bool quic_takes(const struct backend *backend)
{
	const enum lbd_backend_state state = model_backend_state(backend);

	return state == LBD_BACKEND_UP || state == LBD_BACKEND_DRAINING;
}

const struct backend *quic_backend(const struct model *model, const struct service *service,
				   const struct frame *frame, const struct view *view)
{
	const struct lbd_quic_config *config;
	struct backend *backend = NULL;
	struct quic_id id;

	if (view->protocol != IPPROTO_UDP || !quic_read(frame, view, &id))
		return NULL;
	config = &service->quic[id.bytes[0] >> 5];
	if (!config->server || id.size < 1U + config->server + NONCE_LEAST + config->nonce)
		return NULL;
	while ((backend = model_next_backend(model, service->id, backend)))
		if (quic_is(backend, id.bytes + 1, config->server) && quic_takes(backend))
			return backend;
	return NULL;
}
