// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "api/resource.h"
#include "base/monotonic.h"
#include "tune/ethtool.h"

static json_t *status_node(const struct lbd *lbd)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:s}", "node", lbd->config->node, "instance",
			 lbd->config->instance, "version", LBD_VERSION, "uptime_ms",
			 (json_int_t)(monotonic_ms() - lbd->started_ms), "config",
			 lbd->config_path);
}

static json_t *status_config(const struct lbd *lbd)
{
	return json_pack("{s:I, s:s, s:o}", "config_number", (json_int_t)lbd->recorded.number,
			 "config_origin", history_origins[lbd->origin], "trial",
			 api_trial_json(lbd));
}

static json_t *status_problems(const struct lbd *lbd)
{
	json_t *problems = api_problems_json(lbd);

	return json_pack("{s:b, s:o}", "ok", !json_array_size(problems), "problems", problems);
}

static json_t *status_peers(const struct lbd *lbd)
{
	return json_pack("{s:o}", "peers", api_peers_brief_json(lbd));
}

static json_t *status_chain(uint32_t ifindex)
{
	struct dataplane_chain chain;
	json_t *list = json_array();

	dataplane_chain(ifindex, &chain);
	for (uint32_t i = 0; i < chain.count; i++)
		json_array_append_new(list, json_string(chain.programs[i]));
	return list;
}

/* A combined queue is one of each. */
static json_t *status_queues(const char *interface)
{
	struct tune_queues queues;

	if (ethtool_read_queues(interface, &queues))
		return json_null();
	return json_pack("{s:I, s:I}", "rx", (json_int_t)queues.rx.now + queues.combined.now, "tx",
			 (json_int_t)queues.tx.now + queues.combined.now);
}

static json_t *status_interface(const struct dataplane_attachment *at)
{
	return json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:b}", "interface", at->interface, "mode",
			 dataplane_mode_name(at->mode), "reason", api_text(at->reason),
			 "dispatcher", at->dispatcher, "programs", status_chain(at->ifindex),
			 "queues", status_queues(at->interface), "adopted", at->adopted);
}

static json_t *status_xdp(const struct lbd *lbd)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++)
		json_array_append_new(list, status_interface(&lbd->attachments[i]));
	return json_pack("{s:o}", "xdp", list);
}

static json_t *status_generation(const struct lbd *lbd)
{
	return json_pack("{s:o}", "generation", api_generations_json(lbd));
}

static json_t *status_pins(const struct lbd *lbd)
{
	return json_pack("{s:o}", "pins", api_pins_json(lbd));
}

static json_t *status_connections(const struct lbd *lbd)
{
	const struct tables *tables = dataplane_tables(lbd->dataplane);
	struct api_usage usage;

	if (api_usage_count(lbd, &usage))
		return NULL;
	api_usage_free(&usage);
	return json_pack("{s:{s:{s:I, s:I}, s:{s:I, s:I}}}", "connections", "ipv4", "entries",
			 (json_int_t)usage.ipv4, "slots",
			 (json_int_t)tables->conn4_buckets * LBD_BUCKET_SLOTS, "ipv6", "entries",
			 (json_int_t)usage.ipv6, "slots",
			 (json_int_t)tables->conn6_buckets * LBD_BUCKET_SLOTS);
}

static json_t *status_totals(const struct lbd *lbd)
{
	uint32_t swept = 0;
	bool adopted = dataplane_adopted(lbd->dataplane, &swept);

	return json_pack("{s:I, s:o, s:b, s:b, s:I, s:I, s:I}", "services",
			 (json_int_t)api_service_count(lbd), "backends",
			 api_backend_totals_json(lbd), "runtime_changes", lbd->runtime_changes,
			 "adopted", adopted, "swept_claims", (json_int_t)swept, "reloads",
			 (json_int_t)lbd->reloads, "commits", (json_int_t)lbd->commits);
}

static json_t *status_fragments(const struct lbd *lbd)
{
	struct fragments_figures f;

	fragments_read_figures(lbd->fragments, &f);
	return json_pack("{s:{s:b, s:I, s:I, s:I, s:I, s:I, s:I}}", "fragments", "listening",
			 lbd->fragments != NULL, "held", (json_int_t)f.held, "sent",
			 (json_int_t)f.sent, "timed_out", (json_int_t)f.timed_out, "refused",
			 (json_int_t)f.refused, "failed", (json_int_t)f.failed, "bytes",
			 (json_int_t)f.bytes);
}

/* Each brings some keys of the answer, in the order they are shown. */
static json_t *(*const status_parts[])(const struct lbd *) = {
	status_node,	    status_config,    status_problems,	 api_role_json,
	status_peers,	    status_xdp,	      status_generation, status_connections,
	api_migration_json, status_fragments, status_totals,	 status_pins,
};

int api_get_status(struct lbd *lbd, const struct api_request *request, json_t **ret,
		   struct error *err)
{
	json_t *status = json_object();

	(void)request;
	for (size_t i = 0; i < sizeof(status_parts) / sizeof(*status_parts); i++)
		if (json_object_update_new(status, status_parts[i](lbd))) {
			json_decref(status);
			return error_set(err, -ENOMEM, "out of memory");
		}
	*ret = status;
	return 0;
}
