// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections, counted and shown. One walk over the mapped tables: the filter
 * is compiled to flat arrays first, so an entry costs a few compares; only
 * those shown are made into JSON.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"

enum connections_state {
#define X(constant, name, what) CONNECTIONS_##constant,
	API_CONNECTION_STATES(X)
#undef X
		CONNECTIONS_STATE_COUNT,
};

static const char *const connections_states[] = {
#define X(constant, name, what) name,
	API_CONNECTION_STATES(X)
#undef X
};

struct connections_query {
	const struct lbd *lbd;
	const struct tables *tables;
	uint32_t now;
	bool *services, *backends; /* wanted ids; NULL: all */
	bool by_client;
	struct addr_prefix client;
	int state; /* enum connections_state, -1: all */
	uint64_t limit, count;
	json_t *shown;
};

static uint64_t connections_value(const struct table_entry *entry)
{
	return lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);
}

static enum connections_state connections_state(const struct connections_query *query,
						const struct table_entry *entry)
{
	if (tables_expired(query->tables, entry->service, connections_value(entry), query->now))
		return CONNECTIONS_EXPIRED;
	if (entry->flags & LBD_CONN_CLOSING)
		return CONNECTIONS_CLOSING;
	return entry->flags & LBD_CONN_CONFIRMED ? CONNECTIONS_ESTABLISHED : CONNECTIONS_NEW;
}

static bool connections_match_state(const struct connections_query *query,
				    const struct table_entry *entry)
{
	if (query->state < 0)
		return true;
	if (query->state == CONNECTIONS_REMOTE)
		return entry->flags & LBD_CONN_REMOTE;
	return (int)connections_state(query, entry) == query->state;
}

static bool connections_match(const struct connections_query *query,
			      const struct table_entry *entry)
{
	const struct lbd_limits *limits = &query->lbd->model->limits;

	if (query->services &&
	    (entry->service >= limits->services || !query->services[entry->service]))
		return false;
	if (query->backends &&
	    (entry->backend >= limits->backends || !query->backends[entry->backend]))
		return false;
	if (query->by_client && !addr_in_prefix(&entry->client, &query->client))
		return false;
	return connections_match_state(query, entry);
}

/* The service and backend of an entry; NULL if we don't know such an id. */
static const struct service *connections_service(const struct model *model, uint16_t id)
{
	return id < model->limits.services && model->services[id].id ? &model->services[id] : NULL;
}

static const struct backend *connections_backend(const struct model *model, uint16_t index)
{
	if (index >= model->limits.backends || !model->backends[index].index)
		return NULL;
	return &model->backends[index];
}

static json_t *connections_json(const struct connections_query *query,
				const struct table_entry *entry)
{
	const struct service *service = connections_service(query->lbd->model, entry->service);
	const struct backend *backend = connections_backend(query->lbd->model, entry->backend);
	char client[ADDR_TEXT_MAX], vip[ADDR_TEXT_MAX] = "", address[ADDR_TEXT_MAX] = "";

	addr_format_endpoint(&entry->client, entry->client_port, client);
	if (service)
		addr_format_endpoint(&service->vip, entry->vip_port, vip);
	if (backend)
		addr_format(&backend->addr, address);
	return json_pack(
		"{s:s, s:s?, s:s?, s:s, s:s?, s:s?, s:s, s:b, s:I}", "client", client, "vip",
		service ? vip : NULL, "service", service ? service->name : NULL, "protocol",
		entry->flags & LBD_CONN_UDP ? "udp" : "tcp", "backend",
		backend ? backend->name : NULL, "backend_address", backend ? address : NULL,
		"state", connections_states[connections_state(query, entry)], "remote",
		!!(entry->flags & LBD_CONN_REMOTE), "age_ms",
		(json_int_t)tables_age_ms(query->tables, connections_value(entry), query->now));
}

static bool connections_visit(void *context, const struct table_entry *entry)
{
	struct connections_query *query = context;

	if (!connections_match(query, entry))
		return true;
	if (query->count++ < query->limit)
		json_array_append_new(query->shown, connections_json(query, entry));
	return true;
}

static int connections_by_service(struct connections_query *query, const char *name,
				  struct error *err)
{
	const struct model *model = query->lbd->model;
	int rc = api_check_service(query->lbd, name, err);

	if (rc)
		return rc;
	query->services = calloc(model->limits.services, sizeof(*query->services));
	if (!query->services)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t id = 0; id < model->limits.services; id++)
		query->services[id] =
			model->services[id].id && !strcmp(model->services[id].name, name);
	return 0;
}

static int connections_by_backend(struct connections_query *query, const char *name,
				  struct error *err)
{
	const struct model *model = query->lbd->model;
	struct lbd_addr addr;
	bool by_addr = !addr_parse(name, &addr), found = false;

	query->backends = calloc(model->limits.backends, sizeof(*query->backends));
	if (!query->backends)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < model->limits.backends; i++) {
		const struct backend *backend = &model->backends[i];

		query->backends[i] =
			backend->index && (!strcmp(backend->name, name) ||
					   (by_addr && lbd_addr_equal(&backend->addr, &addr)));
		found |= query->backends[i];
	}
	if (found)
		return 0;
	error_set(err, -ENOENT, "no backend is called \"%.100s\" or has this address", name);
	error_hint(err, "lbctl backends");
	return -ENOENT;
}

static int connections_by_client(struct connections_query *query, const char *text,
				 struct error *err)
{
	query->by_client = true;
	if (!addr_parse_prefix(text, &query->client))
		return 0;
	if (addr_parse(text, &query->client.addr))
		return error_set(err, -EINVAL,
				 "client: %.100s, expected an address or a prefix without host "
				 "bits, as 203.0.113.0/24",
				 text);
	query->client.length = lbd_addr_is4(&query->client.addr) ? 32 : 128;
	return 0;
}

static int connections_by_state(struct connections_query *query, const char *name,
				struct error *err)
{
	for (int i = 0; i < CONNECTIONS_STATE_COUNT; i++)
		if (!strcmp(connections_states[i], name)) {
			query->state = i;
			return 0;
		}
	return error_set(err, -EINVAL,
			 "state: %.100s, expected new, established, closing, expired or remote",
			 name);
}

static int connections_limit(struct connections_query *query, const char *text, struct error *err)
{
	char *end;

	query->limit = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || query->limit > API_CONNECTIONS_MAX)
		return error_set(err, -EINVAL, "limit: %.100s, expected 0 (count only) to %d", text,
				 API_CONNECTIONS_MAX);
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct connections_query *query, const char *text, struct error *err);
} connections_filters[] = {
	{ "service", connections_by_service }, { "client", connections_by_client },
	{ "backend", connections_by_backend }, { "state", connections_by_state },
	{ "limit", connections_limit },
};

#define CONNECTIONS_FILTERS (sizeof(connections_filters) / sizeof(*connections_filters))

static int connections_compile(struct connections_query *query, const struct api_request *request,
			       struct error *err)
{
	static const char *const known[] = {
		"service", "client", "backend", "state", "limit", NULL
	};
	int rc = api_query_check(request, known, err);

	for (size_t i = 0; !rc && i < CONNECTIONS_FILTERS; i++) {
		const char *text = api_query(request, connections_filters[i].name);

		if (text)
			rc = connections_filters[i].parse(query, text, err);
	}
	return rc;
}

int api_get_connections(struct lbd *lbd, const struct api_request *request, json_t **ret,
			struct error *err)
{
	struct connections_query query = {
		.lbd = lbd,
		.tables = dataplane_tables(lbd->dataplane),
		.state = -1,
		.limit = API_CONNECTIONS_DEFAULT,
	};
	int rc = connections_compile(&query, request, err);

	if (!rc) {
		query.now = tables_now(query.tables);
		query.shown = json_array();
		tables_walk(query.tables, connections_visit, &query);
		*ret = json_pack("{s:I, s:I, s:o}", "count", (json_int_t)query.count, "shown",
				 (json_int_t)json_array_size(query.shown), "connections",
				 query.shown);
	}
	free(query.services);
	free(query.backends);
	return rc;
}
