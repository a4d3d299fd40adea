// SPDX-License-Identifier: GPL-2.0-or-later
/* What an upgrade would find, as JSON. */
#include <errno.h>
#include <stdlib.h>

#include "api/reply.h"
#include "api/resource.h"
#include "upgrade/preflight.h"

static const char *const preflight_verdicts[] = {
	[PREFLIGHT_NOT_RUN] = "not run", [PREFLIGHT_PASSED] = "passed",
	[PREFLIGHT_SKIPPED] = "skipped", [PREFLIGHT_FORCED] = "forced",
	[PREFLIGHT_REFUSED] = "refused",
};

static json_t *preflight_steps_json(const struct preflight_report *report)
{
	json_t *list = json_array();

	for (int step = 0; step < PREFLIGHT_STEP_COUNT; step++) {
		const struct preflight_result *result = &report->steps[step];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I, s:o}", "step",
					preflight_step_name((enum preflight_step)step), "what",
					preflight_step_what((enum preflight_step)step), "result",
					preflight_verdicts[result->verdict], "took_us",
					(json_int_t)result->took_us, "why",
					api_text(*result->text ? result->text : NULL)));
	}
	return list;
}

static json_t *preflight_maps_json(const struct preflight_report *report)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < report->maps_count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s?}", "map", report->maps[i].name, "fate",
					dataplane_fate_name(report->maps[i].fate), "why",
					*report->maps[i].why ? report->maps[i].why : NULL));
	return list;
}

static json_t *preflight_program_json(const struct dataplane_program *program)
{
	if (!program->generation.prog_id)
		return json_null();
	return json_pack(
		"{s:o, s:s, s:I, s:I, s:I, s:I}", "version", api_text(program->generation.version),
		"tag", program->generation.tag, "programs", (json_int_t)program->programs,
		"instructions", (json_int_t)program->instructions, "verified",
		(json_int_t)program->verified, "jited_bytes", (json_int_t)program->jited_bytes);
}

static json_t *preflight_difference_json(const struct replay_difference *difference)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "source",
			 replay_source_name(difference->source), "service",
			 api_text(*difference->service ? difference->service : NULL), "packet",
			 api_text(difference->packet), "old", api_text(difference->old), "new",
			 api_text(difference->new));
}

static json_t *preflight_replay_json(const struct replay_report *replay)
{
	json_t *run = json_object(), *list = json_array();

	for (int source = 0; source < REPLAY_SOURCES; source++)
		json_object_set_new(run, replay_source_name((enum replay_source)source),
				    json_integer(replay->run[source]));
	for (uint32_t i = 0; i < replay->listed; i++)
		json_array_append_new(list, preflight_difference_json(&replay->list[i]));
	return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:o}", "made", (json_int_t)replay->made,
			 "run", run, "same", (json_int_t)replay->same, "otherwise",
			 (json_int_t)replay->otherwise, "unsettled", (json_int_t)replay->unsettled,
			 "different", (json_int_t)replay->different, "list", list);
}

/* A swap touches none of them; a root that had to be replaced would. */
static json_t *preflight_interfaces_json(const struct lbd *lbd)
{
	json_t *list = json_array();
	char driver[32];

	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++) {
		const struct dataplane_attachment *at = &lbd->attachments[i];
		const enum dataplane_exchange exchange =
			dataplane_driver(at->interface, driver, sizeof(driver));

		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s}", "name", at->interface,
						      "mode", dataplane_mode_name(at->mode),
						      "driver", api_text(driver), "exchange",
						      dataplane_exchange_name(exchange)));
	}
	return list;
}

static json_t *preflight_swap_json(const struct lbd *lbd)
{
	return json_pack("{s:I, s:b}", "watch_ms", (json_int_t)lbd->config->upgrade.watch_ms,
			 "attaches", false);
}

static json_t *preflight_cost_json(const struct replay_report *apart)
{
	if (!apart->old_ns || !apart->new_ns)
		return json_null();
	return json_pack("{s:I, s:I, s:f}", "running_ns", (json_int_t)apart->old_ns, "candidate_ns",
			 (json_int_t)apart->new_ns, "ratio", (double)apart->new_ns / apart->old_ns);
}

static json_t *preflight_json(const struct lbd *lbd, const struct preflight_report *report)
{
	return json_pack(
		"{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "taken",
		preflight_takes(report), "steps", preflight_steps_json(report), "running",
		preflight_program_json(&report->old), "candidate",
		preflight_program_json(&report->new), "cost", preflight_cost_json(&report->apart),
		"replay", preflight_replay_json(&report->replay), "apart",
		preflight_replay_json(&report->apart), "swap", preflight_swap_json(lbd),
		"interfaces", preflight_interfaces_json(lbd), "maps", preflight_maps_json(report));
}

struct preflight_request {
	const struct lbd *lbd;
	struct evhttp_request *http;
};

static void preflight_done(void *context, int rc, const struct preflight_report *found,
			   const struct error *err)
{
	struct preflight_request *asked = context;

	reply_later(asked->http, rc, rc ? NULL : preflight_json(asked->lbd, found), err);
	free(asked);
}

int api_post_preflight(struct lbd *lbd, const struct api_request *request, json_t **ret,
		       struct error *err)
{
	struct preflight_request *asked = malloc(sizeof(*asked));
	struct lbd_prove_order order = { .done = preflight_done, .context = asked };
	int rc = 0;

	(void)ret;
	if (!asked)
		return error_set(err, -ENOMEM, "out of memory");
	*asked = (struct preflight_request){ lbd, request->http };
	if (request->body)
		rc = api_body_unpack(request, err, "{s?s}", "object", &order.object);
	if (!rc)
		rc = api_check_object(order.object, err);
	if (!rc)
		rc = lbd_prove_begin(lbd, &order, err);
	if (rc)
		free(asked);
	return rc ? rc : API_LATER;
}
