// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "api/resource.h"

static const char *const peers_states[] = {
#define X(constant, name) name,
	SYNC_STATES(X)
#undef X
};

static const char *const peers_roles[] = {
#define X(constant, name) name,
	SYNC_ROLES(X)
#undef X
};

/* Null: it is of a release that doesn't say. */
static json_t *peers_release_json(const struct sync_peer_status *peer)
{
	return *peer->release ? json_string(peer->release) : json_null();
}

/* What it may lack, and for how long. */
static json_t *peers_lag_json(const struct sync_peer_status *peer)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "version", (json_int_t)peer->version,
			 "unacknowledged", (json_int_t)peer->unacknowledged, "unsynced_ms",
			 (json_int_t)peer->unsynced_ms, "lag_p50_us", (json_int_t)peer->lag_p50_us,
			 "lag_p99_us", (json_int_t)peer->lag_p99_us);
}

static json_t *peers_proof_json(const struct sync_proof *proof)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "agreed_ms_ago",
		(json_int_t)proof->agreed_ms_ago, "agreed", (json_int_t)proof->agreed, "unsettled",
		(json_int_t)proof->unsettled, "differing", (json_int_t)proof->differing, "passes",
		(json_int_t)proof->passes, "divergences", (json_int_t)proof->divergences, "repairs",
		(json_int_t)proof->repairs, "diverged_ms_ago", (json_int_t)proof->diverged_ms_ago,
		"repaired_ms_ago", (json_int_t)proof->repaired_ms_ago);
}

static json_t *peers_json(const struct sync_peer_status *peer)
{
	char address[ADDR_TEXT_MAX];
	json_t *json;

	addr_format_endpoint(&peer->address.addr, peer->address.port, address);
	json = json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "name", peer->name,
			 "address", address, "state", peers_states[peer->state], "received_all",
			 peer->received_all, "heard_ms_ago", (json_int_t)peer->heard_ms_ago,
			 "sent_records", (json_int_t)peer->sent_records, "sent_bytes",
			 (json_int_t)peer->sent_bytes, "received_records",
			 (json_int_t)peer->received_records, "received_bytes",
			 (json_int_t)peer->received_bytes);
	json_object_set_new(json, "role", json_string(peers_roles[peer->role]));
	json_object_set_new(json, "lbd", peers_release_json(peer));
	json_object_update_new(json, peers_lag_json(peer));
	json_object_set_new(json, "term", json_integer((json_int_t)peer->term));
	json_object_update_new(
		json,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "applied",
			  (json_int_t)peer->applied, "older", (json_int_t)peer->older, "full",
			  (json_int_t)peer->full, "unknown", (json_int_t)peer->unknown,
			  "pending_buckets", (json_int_t)peer->pending_buckets, "rtt_us",
			  (json_int_t)peer->rtt_us, "reconnects", (json_int_t)peer->reconnects));
	json_object_set_new(json, "resyncs", json_integer((json_int_t)peer->resyncs));
	json_object_set_new(json, "silences", json_integer((json_int_t)peer->silences));
	json_object_set_new(json, "handshakes_failed",
			    json_integer((json_int_t)peer->handshakes_failed));
	json_object_set_new(json, "holds", peers_proof_json(&peer->holds));
	json_object_set_new(json, "held", peers_proof_json(&peer->held));
	return json;
}

static void peers_add_refusal(void *context, const char *name, const char *sentence, uint64_t count)
{
	json_array_append_new(context, json_pack("{s:s, s:s, s:I}", "name", name, "sentence",
						 sentence, "count", (json_int_t)count));
}

static json_t *peers_kept(struct sync *sync)
{
	struct sync_kept kept = { 0 };

	if (sync)
		sync_get_kept(sync, &kept);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "held", (json_int_t)kept.held, "kept",
			 (json_int_t)kept.kept, "entered", (json_int_t)kept.entered, "given_up",
			 (json_int_t)kept.given_up, "expired", (json_int_t)kept.expired);
}

static int peers_list(struct sync *sync, json_t *list, json_t *refusals)
{
	struct sync_peer_status *peers = NULL;
	uint32_t count = 0;
	int rc;

	rc = sync_peers(sync, &peers, &count);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, peers_json(&peers[i]));
	sync_refusals(sync, peers_add_refusal, refusals);
	free(peers);
	return 0;
}

json_t *api_peers_brief_json(const struct lbd *lbd)
{
	struct sync_peer_status *peers = NULL;
	json_t *list = json_array();
	uint32_t count = 0;

	/* Without an answer the list is empty: the problems say so (problems.c). */
	if (lbd->sync && sync_peers(lbd->sync, &peers, &count))
		count = 0;
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", peers[i].name,
						      "role", peers_roles[peers[i].role], "state",
						      peers_states[peers[i].state], "lbd",
						      peers_release_json(&peers[i])));
	free(peers);
	return list;
}

const char *api_peers_fault(const struct lbd *lbd)
{
	if (lbd->sync || !lbd->config->cluster.peers_count)
		return NULL;
	return lbd->migration ? "sync waits for the tables, which move"
			      : "sync isn't running: no peer is told of connections";
}

int api_get_peers(struct lbd *lbd, const struct api_request *request, json_t **ret,
		  struct error *err)
{
	json_t *list = json_array(), *refusals = json_array();
	int rc = 0;

	(void)request;
	if (lbd->sync)
		rc = peers_list(lbd->sync, list, refusals);
	*ret = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "security",
			 lbd->config->cluster.security == CONFIG_SECURITY_CURVE ? "curve"
										: "plaintext",
			 "peers", list, "fault", api_text(api_peers_fault(lbd)), "gate",
			 api_gate_json(lbd), "kept", peers_kept(lbd->sync), "refusals", refusals);
	if (!rc)
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return error_errno(err, rc, "asking the sync thread for its peers");
}
