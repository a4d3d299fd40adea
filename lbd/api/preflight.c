// SPDX-License-Identifier: GPL-2.0-or-later
/* What an upgrade would find, as JSON. */
#include <errno.h>

#include "api/reply.h"
#include "api/resource.h"
#include "upgrade/preflight.h"

static const char *const preflight_verdicts[] = {
	[PREFLIGHT_NOT_RUN] = "not run", [PREFLIGHT_PASSED] = "passed",
	[PREFLIGHT_SKIPPED] = "skipped", [PREFLIGHT_FORCED] = "forced",
	[PREFLIGHT_REFUSED] = "refused",
};

static const char *const preflight_fates[] = {
	[DATAPLANE_FATE_REUSED] = "reused",
	[DATAPLANE_FATE_UNUSED] = "unused",
	[DATAPLANE_FATE_REFUSED] = "refused",
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
					preflight_fates[report->maps[i].fate], "why",
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

static json_t *preflight_json(const struct preflight_report *report)
{
	return json_pack(
		"{s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "taken", preflight_takes(report), "steps",
		preflight_steps_json(report), "running", preflight_program_json(&report->old),
		"candidate", preflight_program_json(&report->new), "replay",
		preflight_replay_json(&report->replay), "apart",
		preflight_replay_json(&report->apart), "maps", preflight_maps_json(report));
}

static void preflight_done(void *context, int rc, const struct preflight_report *found,
			   const struct error *err)
{
	reply_later(context, rc, rc ? NULL : preflight_json(found), err);
}

int api_post_preflight(struct lbd *lbd, const struct api_request *request, json_t **ret,
		       struct error *err)
{
	struct lbd_prove_order order = { .done = preflight_done, .context = request->http };
	int rc = 0;

	(void)ret;
	if (request->body)
		rc = api_body_unpack(request, err, "{s?s}", "object", &order.object);
	if (!rc)
		rc = api_check_object(order.object, err);
	if (!rc)
		rc = lbd_prove_begin(lbd, &order, err);
	return rc ? rc : API_LATER;
}
