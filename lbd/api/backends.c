// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "config/value.h"

static const char *const backends_states[] = {
#define X(constant, name, takes, keeps) name,
	LBD_BACKEND_STATES(X)
#undef X
};

/* The actions of a request, and what each must bring. */
static const struct backends_action {
	const char *name;
	enum lbd_backend_action action;
	bool address, weight; /* needed */
} backends_actions[] = {
	{ "add", LBD_BACKEND_ADD, true, false },
	{ "remove", LBD_BACKEND_REMOVE, false, false },
	{ "drain", LBD_BACKEND_DRAIN, false, false },
	{ "undrain", LBD_BACKEND_UNDRAIN, false, false },
	{ "weight", LBD_BACKEND_WEIGHT, false, true },
};

#define BACKENDS_WEIGHT_DEFAULT 100
#define BACKENDS_WEIGHT_MAX 65535
#define BACKENDS_PORT_MAX 65535

static json_t *backends_health(const struct lbd *lbd, const struct backend *backend)
{
	struct health_status status;

	if (!health_find(lbd->health, backend->index, &status))
		return json_null();
	return json_pack("{s:b, s:b, s:I, s:I, s:I, s:o}", "healthy", status.healthy, "checked",
			 status.checked, "latency_us", (json_int_t)status.latency_us, "streak",
			 (json_int_t)status.streak, "changed_ms_ago",
			 (json_int_t)status.changed_ms_ago, "reason",
			 api_text(status.reason[0] ? status.reason : NULL));
}

const char *api_why_unresolved(const struct lbd *lbd, const struct backend *backend)
{
	const enum path_fault fault = neighbours_fault(lbd->neighbours, &backend->addr);

	return fault == PATH_FAULT_NONE ? "isn't known yet" : path_fault_sentence(fault);
}

static json_t *backends_nexthop(const struct lbd *lbd, const struct backend *backend)
{
	const struct nexthop *hop = &backend->nexthop;
	char mac[18] = "", interface[IF_NAMESIZE] = "";

	if (hop->resolved)
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", hop->dmac[0],
			 hop->dmac[1], hop->dmac[2], hop->dmac[3], hop->dmac[4], hop->dmac[5]);
	if (hop->ifindex)
		if_indextoname(hop->ifindex, interface);
	return json_pack("{s:b, s:o, s:o, s:o}", "resolved", hop->resolved, "mac",
			 api_text(mac[0] ? mac : NULL), "interface",
			 api_text(interface[0] ? interface : NULL), "reason",
			 api_text(hop->resolved ? NULL : api_why_unresolved(lbd, backend)));
}

static json_t *backends_server_ids(const struct backend *backend)
{
	char text[VALUE_TEXT_MAX];
	json_t *list = json_array();

	for (uint32_t i = 0; i < backend->server_ids_count; i++)
		json_array_append_new(list, json_string(value_format_octets(
						    backend->server_ids[i].octets,
						    backend->server_ids[i].length, text)));
	return list;
}

static json_t *backends_json(const struct lbd *lbd, const struct backend *backend,
			     const struct lbd_traffic *traffic, const struct api_usage *usage)
{
	char address[ADDR_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:I, s:o, s:o, s:o, s:I, s:I, s:I}",
			 "service", lbd->model->services[backend->service].name, "name",
			 backend->name, "address", addr_format(&backend->addr, address), "port",
			 backend->port ? json_integer(backend->port) : json_null(), "role",
			 backend->fallback ? "fallback" : "backend", "state",
			 backends_states[model_backend_state(backend)], "weight",
			 (json_int_t)backend->weight, "server_ids", backends_server_ids(backend),
			 "health", backends_health(lbd, backend), "nexthop",
			 backends_nexthop(lbd, backend), "packets",
			 (json_int_t)traffic[backend->index].packets, "bytes",
			 (json_int_t)traffic[backend->index].bytes, "connections",
			 (json_int_t)usage->backends[backend->index]);
}

/* Does @service count for a list of the services called @name (NULL: all)? */
static bool backends_of(const struct service *service, const char *name)
{
	return service->id && (!name || !strcmp(service->name, name));
}

static json_t *backends_list(const struct lbd *lbd, const char *name,
			     const struct lbd_traffic *traffic, const struct api_usage *usage)
{
	const struct model *model = lbd->model;
	json_t *list = json_array();

	for (uint32_t id = LBD_SERVICE_ID_MIN; id < model->limits.services; id++) {
		const struct backend *backend = NULL;

		if (!backends_of(&model->services[id], name))
			continue;
		while ((backend = model_next_backend(model, (uint16_t)id, backend)))
			json_array_append_new(list, backends_json(lbd, backend, traffic, usage));
	}
	return list;
}

static int backends_answer(const struct lbd *lbd, const char *name, json_t **ret, struct error *err)
{
	struct lbd_traffic *traffic = calloc(lbd->model->limits.backends, sizeof(*traffic));
	struct api_usage usage = { 0 };
	int rc = traffic ? 0 : -ENOMEM;

	if (!rc)
		rc = dataplane_backend_traffic(lbd->dataplane, traffic);
	if (!rc)
		rc = api_usage_count(lbd, &usage);
	if (!rc)
		*ret = json_pack("{s:o}", "backends", backends_list(lbd, name, traffic, &usage));
	else
		error_errno(err, rc, "reading the backends' counters");
	api_usage_free(&usage);
	free(traffic);
	return rc;
}

int api_check_service(const struct lbd *lbd, const char *name, struct error *err)
{
	for (uint32_t id = LBD_SERVICE_ID_MIN; id < lbd->model->limits.services; id++)
		if (backends_of(&lbd->model->services[id], name))
			return 0;
	error_set(err, -ENOENT, "no service is called \"%.100s\"", name);
	error_hint(err, "lbctl services");
	return -ENOENT;
}

int api_get_backends(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	static const char *const known[] = { "service", NULL };
	const char *name = api_query(request, "service");
	int rc;

	rc = api_query_check(request, known, err);
	if (!rc && name)
		rc = api_check_service(lbd, name, err);
	return rc ? rc : backends_answer(lbd, name, ret, err);
}

static int backends_find_action(const char *name, const struct backends_action **ret,
				struct error *err)
{
	size_t count = sizeof(backends_actions) / sizeof(*backends_actions);

	for (size_t i = 0; i < count; i++) {
		*ret = &backends_actions[i];
		if (!strcmp(backends_actions[i].name, name))
			return 0;
	}
	return error_set(err, -EINVAL,
			 "action: %.100s, expected add, remove, drain, undrain or weight", name);
}

/* Does @action have what it needs, and nothing out of range? */
static int backends_check(const struct backends_action *action, const char *address,
			  json_int_t weight, json_int_t port, struct error *err)
{
	if (action->address && !address)
		return error_set(err, -EINVAL, "%s: expected an address, none came", action->name);
	if (weight > BACKENDS_WEIGHT_MAX || weight < (action->weight ? 0 : -1))
		return error_set(err, -EINVAL, "%s: expected a weight of 0 to %d", action->name,
				 BACKENDS_WEIGHT_MAX);
	if (port < 0 || port > BACKENDS_PORT_MAX)
		return error_set(err, -EINVAL, "%s: expected a port of 1 to %d", action->name,
				 BACKENDS_PORT_MAX);
	return 0;
}

static int backends_read_change(const struct api_request *request, struct lbd_backend_change *ret,
				struct error *err)
{
	const struct backends_action *action;
	json_int_t weight = -1, port = 0;
	const char *name;
	int rc;

	rc = api_body_unpack(request, err, "{s:s, s:s, s:s, s?s, s?I, s?I}", "action", &name,
			     "service", &ret->service, "backend", &ret->name, "address",
			     &ret->address, "weight", &weight, "port", &port);
	if (!rc)
		rc = backends_find_action(name, &action, err);
	if (!rc)
		rc = backends_check(action, ret->address, weight, port, err);
	if (rc)
		return rc;
	ret->action = action->action;
	ret->port = (uint32_t)port;
	ret->weight = weight < 0 ? BACKENDS_WEIGHT_DEFAULT : (uint32_t)weight;
	return 0;
}

int api_post_backends(struct lbd *lbd, const struct api_request *request, json_t **ret,
		      struct error *err)
{
	struct lbd_backend_change change = { 0 };
	int rc;

	rc = backends_read_change(request, &change, err);
	if (!rc)
		rc = lbd_change_backend(lbd, &change, err);
	return rc ? rc : backends_answer(lbd, change.service, ret, err);
}
