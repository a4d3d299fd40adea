// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   GET /v1/risk, part by part --added up--> one answer
 */
#include "lbctl/risk_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lbctl/client.h"
#include "lbctl/table.h"

static const char *const risk_sums[] = { "connections", "unsynced", "breaking", NULL };

static json_int_t risk_number(const json_t *object, const char *path)
{
	return json_integer_value(table_value(object, path));
}

static void risk_add_counts(json_t *sum, const json_t *part)
{
	for (const char *const *name = risk_sums; *name; name++)
		json_object_set_new(
			sum, *name,
			json_integer(risk_number(sum, *name) + risk_number(part, *name)));
}

static json_t *risk_find_service(const json_t *services, const char *name)
{
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service)
		if (!strcmp(table_text(json_object_get(service, "service"), NULL), name))
			return service;
	return NULL;
}

static void risk_add_services(json_t *services, const json_t *part)
{
	json_t *service, *sum;
	size_t i;

	json_array_foreach(part, i, service) {
		sum = risk_find_service(services,
					table_text(json_object_get(service, "service"), NULL));
		if (sum)
			risk_add_counts(sum, service);
		else
			json_array_append(services, service);
	}
}

static void risk_add_list(json_t *list, const json_t *part, size_t max)
{
	json_t *row;
	size_t i;

	json_array_foreach(part, i, row)
		if (json_array_size(list) < max)
			json_array_append(list, row);
}

/* Take @part, which is freed, into *sum. */
static void risk_add(json_t **sum, json_t *part, size_t list_max)
{
	if (!*sum) {
		*sum = part;
		return;
	}
	risk_add_counts(*sum, part);
	risk_add_services(json_object_get(*sum, "services"), json_object_get(part, "services"));
	risk_add_list(json_object_get(*sum, "list"), json_object_get(part, "list"), list_max);
	json_object_set(*sum, "peer", json_object_get(part, "peer"));
	json_object_set(*sum, "next", json_object_get(part, "next"));
	json_decref(part);
}

int risk_ask(const struct invocation *invocation, const char *list, json_t **ret)
{
	char from[32] = "0";
	const struct client_parameter query[] = { { "from", from }, { "list", list }, { 0 } };
	const struct client_request request = { .endpoint = API_get_risk, .query = query };
	json_t *part;
	int rc;

	*ret = NULL;
	do {
		rc = client_call(invocation, &request, &part);
		if (rc)
			break;
		snprintf(from, sizeof(from), "%lld", (long long)risk_number(part, "next"));
		risk_add(ret, part, list ? strtoul(list, NULL, 10) : 0);
	} while (json_is_integer(json_object_get(*ret, "next")));
	if (rc)
		json_decref(*ret);
	return rc;
}
