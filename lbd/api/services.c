// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "api/resource.h"

static const char *const services_forwards[] = {
#define X(constant, name) name,
	LBD_FORWARDS(X)
#undef X
};

static const char *services_state(const struct service *service, const struct api_capacity *can)
{
	if (service->gone)
		return "gone";
	if (can->up)
		return "up";
	return can->fallback ? "fallback" : "down";
}

static json_t *services_json(const struct model *model, const struct service *service,
			     const struct lbd_traffic *traffic, const struct api_usage *usage)
{
	struct api_capacity can = api_service_capacity(model, service->id);
	char vip[ADDR_TEXT_MAX];

	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "name", service->name,
		"vip", addr_format(&service->vip, vip), "port", (int)service->port, "protocol",
		api_protocol_name(service->protocol), "forward",
		services_forwards[service->forward], "state", services_state(service, &can),
		"packets", (json_int_t)traffic[service->id].packets, "bytes",
		(json_int_t)traffic[service->id].bytes, "backends", (json_int_t)can.total, "up",
		(json_int_t)can.up, "connections", (json_int_t)usage->services[service->id]);
}

static json_t *services_list(const struct model *model, const struct lbd_traffic *traffic,
			     const struct api_usage *usage)
{
	json_t *list = json_array();

	for (uint32_t id = LBD_SERVICE_ID_MIN; id < model->limits.services; id++)
		if (model->services[id].id)
			json_array_append_new(
				list, services_json(model, &model->services[id], traffic, usage));
	return list;
}

int api_get_services(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	struct lbd_traffic *traffic = calloc(lbd->model->limits.services, sizeof(*traffic));
	struct api_usage usage = { 0 };
	int rc = traffic ? 0 : -ENOMEM;

	(void)request;
	if (!rc)
		rc = dataplane_service_traffic(lbd->dataplane, traffic);
	if (!rc)
		rc = api_usage_count(lbd, &usage);
	if (!rc)
		*ret = json_pack("{s:o}", "services", services_list(lbd->model, traffic, &usage));
	else
		error_errno(err, rc, "reading the services' counters");
	api_usage_free(&usage);
	free(traffic);
	return rc;
}
