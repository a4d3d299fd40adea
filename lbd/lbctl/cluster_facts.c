// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   GET /v1/status, /v1/peers, /v1/risk --> struct plan_facts
 */
#include "lbctl/cluster_facts.h"

#include <stdlib.h>
#include <string.h>

#include "lbctl/client.h"
#include "lbctl/risk_ask.h"
#include "lbctl/table.h"

/* "" where nothing is known. */
static void facts_text(const json_t *object, const char *path, char ret[PLAN_NAME_MAX])
{
	const char *text = json_string_value(table_value(object, path));

	snprintf(ret, PLAN_NAME_MAX, "%s", text ? text : "");
}

static json_int_t facts_number(const json_t *object, const char *path)
{
	return json_integer_value(table_value(object, path));
}

/* What keepalived calls master and backup, peers call active and standby. */
static enum plan_role facts_own_role(const json_t *status)
{
	const char *role = table_text(json_object_get(status, "role"), NULL);

	if (strcmp(role, "master") == 0)
		return PLAN_ROLE_ACTIVE;
	return strcmp(role, "backup") ? plan_role_of(role) : PLAN_ROLE_STANDBY;
}

static void facts_take_status(const json_t *status, struct plan_facts *ret)
{
	facts_text(status, "node", ret->name);
	facts_text(status, "version", ret->daemon);
	facts_text(status, "generation.running.version", ret->packet_path);
	snprintf(ret->installed, sizeof(ret->installed), "%s", LBD_VERSION);
	ret->role = facts_own_role(status);
}

static struct plan_proof facts_proof(const json_t *proof)
{
	if (!facts_number(proof, "passes"))
		return (struct plan_proof){ .agreed_ms_ago = -1 };
	return (struct plan_proof){ facts_number(proof, "agreed_ms_ago"),
				    facts_number(proof, "differing") };
}

static void facts_take_peer(const json_t *peer, struct plan_peer *ret)
{
	facts_text(peer, "name", ret->name);
	facts_text(peer, "lbd", ret->release);
	ret->role = plan_role_of(table_text(json_object_get(peer, "role"), NULL));
	ret->live = !strcmp(table_text(json_object_get(peer, "state"), NULL), "live");
	ret->received_all = json_is_true(json_object_get(peer, "received_all"));
	ret->digests = facts_number(peer, "version") > 1;
	ret->heard_ms_ago = facts_number(peer, "heard_ms_ago");
	ret->unsynced_ms = facts_number(peer, "unsynced_ms");
	ret->holds = facts_proof(json_object_get(peer, "holds"));
	ret->held = facts_proof(json_object_get(peer, "held"));
}

static int facts_ask_status(const struct invocation *invocation, struct cluster_facts *ret)
{
	const struct client_request request = { .endpoint = API_get_status };
	json_t *answer;
	int rc = client_call(invocation, &request, &answer);

	if (rc)
		return rc;
	facts_take_status(answer, &ret->facts);
	json_decref(answer);
	return LBCTL_OK;
}

static int facts_ask_peers(const struct invocation *invocation, struct cluster_facts *ret)
{
	const struct client_request request = { .endpoint = API_get_peers };
	const json_t *list, *peer;
	json_t *answer;
	int rc = client_call(invocation, &request, &answer);
	size_t i;

	if (rc)
		return rc;
	list = json_object_get(answer, "peers");
	ret->peers = calloc(json_array_size(list) + 1, sizeof(*ret->peers));
	json_array_foreach(list, i, peer)
		if (ret->peers)
			facts_take_peer(peer, &ret->peers[i]);
	ret->facts.peers = ret->peers;
	ret->facts.peers_count = ret->peers ? json_array_size(list) : 0;
	json_decref(answer);
	return LBCTL_OK;
}

/* Only the death of the active node breaks anything. */
static int facts_ask_risk(const struct invocation *invocation, struct cluster_facts *ret)
{
	json_t *answer;
	int rc;

	if (ret->facts.role != PLAN_ROLE_ACTIVE || !ret->facts.peers_count)
		return LBCTL_OK;
	rc = risk_ask(invocation, NULL, &answer);
	if (rc)
		return rc;
	ret->facts.breaking = facts_number(answer, "breaking");
	json_decref(answer);
	return LBCTL_OK;
}

int cluster_facts_ask(const struct invocation *invocation, struct cluster_facts *ret)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = facts_ask_status(invocation, ret);
	if (!rc)
		rc = facts_ask_peers(invocation, ret);
	return rc ? rc : facts_ask_risk(invocation, ret);
}

void cluster_facts_free(struct cluster_facts *facts)
{
	free(facts->peers);
	facts->peers = NULL;
}
