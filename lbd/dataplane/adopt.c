// SPDX-License-Identifier: GPL-2.0-or-later
/* The snapshot in force, read back as a model: what a restarted daemon goes on from. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/internal.h"

static void adopt_service(const struct dataplane *dataplane, const struct lbd_service *from,
			  uint16_t id, struct service *to)
{
	to->id = id;
	to->gone = from->used != 1;
	to->vip = from->vip;
	to->port = ntohs(from->port);
	to->protocol = from->protocol;
	memcpy(to->quic, from->quic, sizeof(to->quic));
	to->hash = from->hash;
	to->prefix = from->prefix;
	to->down = from->down;
	object_timeouts_s(dataplane, &from->timeouts, &to->timeouts_s);
	addr_format_endpoint(&from->vip, from->port, to->name);
}

static void adopt_backend(const struct lbd_backend *from, uint16_t index, struct backend *to)
{
	to->index = index;
	to->service = from->service;
	to->gone = from->state == LBD_BACKEND_GONE;
	to->drain = from->state == LBD_BACKEND_DRAINING;
	to->healthy = from->state == LBD_BACKEND_UP || from->state == LBD_BACKEND_DRAINING;
	to->checked = !to->gone;
	to->weight = from->weight;
	to->fallback = from->down & LBD_BACKEND_FALLBACK;
	to->addr = from->addr;
	addr_format(&from->addr, to->name);
	to->nexthop.resolved = from->ifindex != 0;
	to->nexthop.ifindex = from->ifindex;
	to->nexthop.mtu = from->mtu;
	memcpy(to->nexthop.dmac, from->dmac, sizeof(from->dmac));
	memcpy(to->nexthop.smac, from->smac, sizeof(from->smac));
}

int dataplane_adopt(const struct dataplane *dataplane, struct model **ret, struct error *err)
{
	uint32_t half = dataplane->control->active & 1;
	const struct lbd_service *services = snapshot_services(dataplane, half);
	const struct lbd_backend *backends = snapshot_backends(dataplane, half);
	struct model *model = model_new(&dataplane->limits);

	if (!model)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t id = 1; id < dataplane->limits.services; id++)
		if (services[id].used)
			adopt_service(dataplane, &services[id], (uint16_t)id, &model->services[id]);
	for (uint32_t i = 1; i < dataplane->limits.backends; i++) {
		if (backends[i].state == LBD_BACKEND_NONE ||
		    backends[i].service >= dataplane->limits.services)
			continue;
		adopt_backend(&backends[i], (uint16_t)i, &model->backends[i]);
		model->services[backends[i].service].forward = backends[i].forward;
	}
	*ret = model;
	return 0;
}
