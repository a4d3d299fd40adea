// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What would break if this node died now. A request walks for some milliseconds
 * and says where to go on, so that a table of millions holds up nobody.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "risk/risk.h"

#define RISK_BUDGET_US 10000

static json_t *risk_counts_json(const struct risk_counts *counts)
{
	return json_pack("{s:I, s:I, s:I}", "connections", (json_int_t)counts->connections,
			 "unsynced", (json_int_t)counts->unsynced, "breaking",
			 (json_int_t)counts->breaking);
}

/* What a service would lose; not of those that have no connection. */
static json_t *risk_services_json(const struct risk *risk)
{
	json_t *list = json_array(), *row;

	for (uint32_t id = LBD_SERVICE_ID_MIN; id < risk->model->limits.services; id++) {
		if (!risk->services[id].connections)
			continue;
		row = risk_counts_json(&risk->services[id]);
		json_object_set_new(row, "service", api_text(risk->model->services[id].name));
		json_array_append_new(list, row);
	}
	return list;
}

static const char *risk_backend_name(const struct model *model, uint16_t index)
{
	return index && index < model->limits.backends && model->backends[index].index
		       ? model->backends[index].name
		       : NULL;
}

static json_t *risk_connection_json(const struct risk *risk,
				    const struct risk_connection *connection)
{
	const struct table_entry *entry = &connection->entry;
	const struct service *service = &risk->model->services[entry->service];
	char client[ADDR_TEXT_MAX], vip[ADDR_TEXT_MAX];

	addr_format_endpoint(&entry->client, entry->client_port, client);
	addr_format_endpoint(&service->vip, entry->vip_port, vip);
	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?}", "client", client, "vip", vip,
			 "service", service->name, "protocol",
			 entry->flags & LBD_CONN_UDP ? "udp" : "tcp", "backend",
			 risk_backend_name(risk->model, entry->backend), "choice",
			 risk_backend_name(risk->model, connection->choice));
}

static json_t *risk_list_json(const struct risk *risk)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < risk->list_count; i++)
		json_array_append_new(list, risk_connection_json(risk, &risk->list[i]));
	return list;
}

/* The peer that would take over, as far as it is known; null without peers. */
static json_t *risk_peer_json(const struct lbd *lbd, uint32_t place)
{
	struct sync_peer_status *peers = NULL, *peer;
	json_t *json = json_null();
	uint32_t count = 0;

	if (sync_peers(lbd->sync, &peers, &count) == 0 && place < count) {
		peer = &peers[place];
		json = json_pack(
			"{s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "name", peer->name, "connected",
			peer->state == SYNC_STATE_BULK || peer->state == SYNC_STATE_LIVE,
			"heard_ms_ago", (json_int_t)peer->heard_ms_ago, "unsynced_ms",
			(json_int_t)peer->unsynced_ms, "lag_p50_us", (json_int_t)peer->lag_p50_us,
			"lag_p99_us", (json_int_t)peer->lag_p99_us, "agreed_ms_ago",
			(json_int_t)peer->held.agreed_ms_ago);
	}
	free(peers);
	return json;
}

static json_t *risk_json(const struct lbd *lbd, const struct risk *risk, uint32_t peer,
			 uint32_t next)
{
	struct ha_status status;
	json_t *json = risk_counts_json(&risk->all);

	ha_status(lbd->ha, &status);
	json_object_update_new(
		json, json_pack("{s:b, s:o, s:o, s:o, s:o}", "active",
				status.role == HA_ROLE_MASTER || !lbd->sync, "peer",
				risk->held ? risk_peer_json(lbd, peer) : json_null(), "services",
				risk_services_json(risk), "list", risk_list_json(risk), "next",
				next == RISK_END ? json_null() : json_integer(next)));
	return json;
}

static int risk_number(const struct api_request *request, const char *name, uint32_t max,
		       uint32_t *ret, struct error *err)
{
	const char *text = api_query(request, name);
	unsigned long number;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number > max)
		return error_set(err, -EINVAL, "%s: %.100s, expected a number up to %u", name, text,
				 max);
	*ret = (uint32_t)number;
	return 0;
}

static int risk_ask(const struct api_request *request, struct risk *risk, uint32_t *ret_from,
		    struct error *err)
{
	static const char *const known[] = { "from", "list", NULL };
	uint32_t buckets = risk->tables->conn4_buckets + risk->tables->conn6_buckets;
	int rc = api_query_check(request, known, err);

	if (!rc)
		rc = risk_number(request, "from", buckets, ret_from, err);
	if (!rc)
		rc = risk_number(request, "list", API_RISK_LIST_MAX, &risk->list_max, err);
	return rc;
}

int api_get_risk(struct lbd *lbd, const struct api_request *request, json_t **ret,
		 struct error *err)
{
	uint32_t from = 0, peer = 0;
	struct risk risk = { .tables = dataplane_tables(lbd->dataplane),
			     .dataplane = lbd->dataplane,
			     .model = lbd->model };
	int rc = risk_ask(request, &risk, &from, err);

	if (rc)
		return rc;
	risk.held = lbd->sync ? sync_held(lbd->sync, &peer) : NULL;
	risk.services = calloc(lbd->model->limits.services, sizeof(*risk.services));
	risk.list = calloc(risk.list_max + 1, sizeof(*risk.list));
	if (risk.services && risk.list)
		*ret = risk_json(lbd, &risk, peer, risk_walk(&risk, from, RISK_BUDGET_US));
	free(risk.services);
	free(risk.list);
	return 0;
}
