// SPDX-License-Identifier: GPL-2.0-or-later
#include "watching_services.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static bool watching_serves(const struct service *service)
{
	return service->id && !service->gone;
}

static int watching_allocate(struct watching_services *services, const struct model *model,
			     uint32_t count)
{
	*services = (struct watching_services){
		.ids = model->limits.services,
		.backends = model->limits.backends,
		.keys = calloc(count + 1, sizeof(*services->keys)),
		.list = calloc(count + 1, sizeof(*services->list)),
		.places = calloc(model->limits.services, sizeof(*services->places)),
		.then = calloc(model->limits.backends, sizeof(*services->then)),
		.now = calloc(model->limits.backends, sizeof(*services->now)),
		.handed = calloc(count + 1, sizeof(*services->handed)),
	};
	return services->keys && services->list && services->places && services->then &&
			       services->now && services->handed
		       ? 0
		       : -ENOMEM;
}

static void watching_add_service(struct watching_services *services, const struct service *from)
{
	const uint32_t place = services->count++;

	services->keys[place] = (struct lbd_split_key){
		.vip = from->vip,
		.port = htons(from->port),
		.protocol = from->protocol,
	};
	services->list[place].id = from->id;
	memcpy(services->list[place].name, from->name, sizeof(from->name));
	services->places[from->id] = services->count;
}

int watching_services_open(struct watching_services *services, const struct model *model,
			   struct error *err)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < model->limits.services; id++)
		count += watching_serves(&model->services[id]);
	if (watching_allocate(services, model, count))
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t id = 0; id < model->limits.services; id++)
		if (watching_serves(&model->services[id]))
			watching_add_service(services, &model->services[id]);
	return 0;
}

void watching_services_close(struct watching_services *services)
{
	free(services->keys);
	free(services->list);
	free(services->places);
	free(services->then);
	free(services->now);
	free(services->handed);
	*services = (struct watching_services){ 0 };
}

/* --- reading */

static int watching_read_handed(struct watching_services *services,
				const struct dataplane *dataplane)
{
	int rc = dataplane_split_handed(dataplane, services->keys, services->count,
					services->handed);

	for (uint32_t i = 0; i < services->count && !rc; i++)
		services->list[i].handed = services->handed[i];
	return rc;
}

/* What backend @index got since the last look is its service's, if it was so then. */
static void watching_give(struct watching_services *services, uint32_t index)
{
	const struct dataplane_split_backend *now = &services->now[index];
	const struct dataplane_split_backend *then = &services->then[index];
	const uint32_t place = now->service < services->ids ? services->places[now->service] : 0;

	if (!place || then->service != now->service)
		return;
	for (int side = 0; side < LBD_SPLIT_SLOTS; side++)
		services->list[place - 1].given.packets[side] +=
			now->packets[side] - then->packets[side];
}

static int watching_read_given(struct watching_services *services,
			       const struct dataplane *dataplane)
{
	struct dataplane_split_backend *then = services->then;
	int rc = dataplane_split_backends(dataplane, services->now);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < services->backends; i++)
		watching_give(services, i);
	services->then = services->now;
	services->now = then;
	return 0;
}

void watching_services_round(struct watching_services *services, uint32_t place)
{
	struct watching_service *service = &services->list[place];

	service->round_handed = service->handed;
	service->round_given = service->given;
}

/* Given before handed, so that what is on its way isn't lost in the round that begins. */
int watching_services_read(struct watching_services *services, const struct dataplane *dataplane)
{
	int rc = watching_read_given(services, dataplane);

	return rc ? rc : watching_read_handed(services, dataplane);
}

void watching_services_begin(struct watching_services *services, const struct dataplane *dataplane)
{
	int rc = watching_services_read(services, dataplane);

	if (rc) {
		log_info("upgrade: services aren't compared one by one, only all together: %s",
			 strerror(-rc));
		services->count = 0;
	}
	for (uint32_t i = 0; i < services->count; i++)
		watching_services_round(services, i);
}

static void watching_count(const struct watching_service *service, enum lbd_split_slot side,
			   struct verdict_counts *ret)
{
	const uint64_t handed = service->handed.packets[side] - service->round_handed.packets[side];
	const uint64_t given = service->given.packets[side] - service->round_given.packets[side];

	*ret = (struct verdict_counts){ .packets = handed };
	/* Fragments and ICMP errors are given, and weren't counted when they were handed. */
	ret->bad[VERDICT_LOST] = handed > given ? handed - given : 0;
}

void watching_services_look(struct watching_services *services, const struct dataplane *dataplane,
			    struct watch_sides *ret)
{
	int rc = watching_read_handed(services, dataplane);

	if (!rc)
		rc = watching_read_given(services, dataplane);
	for (uint32_t i = 0; i < services->count; i++) {
		ret[i] = (struct watch_sides){ .old.packets = 0 };
		if (rc)
			continue;
		watching_count(&services->list[i], LBD_SPLIT_STABLE, &ret[i].old);
		watching_count(&services->list[i], LBD_SPLIT_CANDIDATE, &ret[i].new);
	}
}
