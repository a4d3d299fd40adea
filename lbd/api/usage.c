// SPDX-License-Identifier: GPL-2.0-or-later
/* How many connections belong to what, and what services can take. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "api/resource.h"

static bool api_usage_add(void *context, const struct table_entry *entry)
{
	struct api_usage *usage = context;

	if (lbd_addr_is4(&entry->client))
		usage->ipv4++;
	else
		usage->ipv6++;
	/* A peer or a flaw may have put in what our limits don't know. */
	if (entry->service < usage->limits.services)
		usage->services[entry->service]++;
	if (entry->backend < usage->limits.backends)
		usage->backends[entry->backend]++;
	return true;
}

int api_usage_count(const struct lbd *lbd, struct api_usage *ret)
{
	*ret = (struct api_usage){ .limits = lbd->model->limits };
	ret->services = calloc(ret->limits.services, sizeof(*ret->services));
	ret->backends = calloc(ret->limits.backends, sizeof(*ret->backends));
	if (!ret->services || !ret->backends) {
		api_usage_free(ret);
		return -ENOMEM;
	}
	tables_walk(dataplane_tables(lbd->dataplane), api_usage_add, ret);
	return 0;
}

void api_usage_free(struct api_usage *usage)
{
	free(usage->services);
	free(usage->backends);
	usage->services = usage->backends = NULL;
}

struct api_capacity api_service_capacity(const struct model *model, uint16_t service)
{
	struct api_capacity capacity = { 0 };
	const struct backend *backend = NULL;

	while ((backend = model_next_backend(model, service, backend))) {
		enum lbd_backend_state state = model_backend_state(backend);

		if (backend->fallback) {
			capacity.fallback += state == LBD_BACKEND_UP && backend->weight;
			continue;
		}
		capacity.total += !backend->gone;
		capacity.up += state == LBD_BACKEND_UP && backend->weight;
		capacity.down += state == LBD_BACKEND_DOWN;
	}
	return capacity;
}

json_t *api_backend_totals_json(const struct lbd *lbd)
{
	json_int_t total = 0, up = 0;

	for (uint32_t id = LBD_SERVICE_ID_MIN; id < lbd->model->limits.services; id++) {
		struct api_capacity capacity;

		if (!lbd->model->services[id].id)
			continue;
		capacity = api_service_capacity(lbd->model, (uint16_t)id);
		total += capacity.total;
		up += capacity.up;
	}
	return json_pack("{s:I, s:I}", "total", total, "up", up);
}

uint32_t api_service_count(const struct lbd *lbd)
{
	uint32_t count = 0;

	for (uint32_t id = LBD_SERVICE_ID_MIN; id < lbd->model->limits.services; id++)
		count += lbd->model->services[id].id && !lbd->model->services[id].gone;
	return count;
}

const char *api_protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}
