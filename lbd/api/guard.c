// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/resource.h"

static const enum lbd_outcome guard_outcomes[] = {
	LBD_OUTCOME_DROP_DENIED,	  LBD_OUTCOME_DROP_NOT_ALLOWED,
	LBD_OUTCOME_DROP_SOURCE_PACKETS,  LBD_OUTCOME_DROP_SOURCE_NEW,
	LBD_OUTCOME_DROP_SERVICE_PACKETS, LBD_OUTCOME_DROP_SERVICE_NEW,
};

static json_t *guard_lists_json(const struct guard *guard)
{
	json_t *all = json_array();

	for (uint32_t i = 0; guard && i < guard->lists_count; i++) {
		const struct guard_list *list = &guard->lists[i];

		json_array_append_new(all,
				      json_pack("{s:s, s:s?, s:I, s:I, s:I}", "name", list->name,
						"file", list->file, "ipv4", (json_int_t)list->ipv4,
						"ipv6", (json_int_t)list->ipv6, "changed_at",
						(json_int_t)list->changed_at));
	}
	return all;
}

static json_t *guard_drops_json(const uint64_t *packets)
{
	json_t *all = json_array();
	uint64_t total = 0;

	for (size_t i = 0; i < LBD_OUTCOME_COUNT; i++)
		total += packets[i];
	for (size_t i = 0; i < sizeof(guard_outcomes) / sizeof(*guard_outcomes); i++)
		json_array_append_new(all, api_outcome_json(guard_outcomes[i],
							    packets[guard_outcomes[i]], total));
	return all;
}

int api_get_guard(struct lbd *lbd, const struct api_request *request, json_t **ret,
		  struct error *err)
{
	const struct guard *guard = lbd->model->guard;
	uint64_t packets[LBD_OUTCOME_MAX] = { 0 };
	struct dataplane_guard usage;
	int rc;

	(void)request;
	rc = dataplane_outcomes(lbd->dataplane, packets);
	if (rc)
		return error_errno(err, rc, "reading the outcome counters");
	dataplane_guard_usage(lbd->dataplane, lbd->model, &usage);
	*ret = json_pack(
		"{s:o, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I, s:I}, s:o}", "lists",
		guard_lists_json(guard), "loaded_at", (json_int_t)(guard ? guard->loaded_at : 0),
		"load_ms", (json_int_t)(guard ? guard->build_ms : 0), "tree", "places",
		(json_int_t)usage.places, "room", (json_int_t)usage.places_room, "sources", "known",
		(json_int_t)usage.sources, "busy", (json_int_t)usage.sources_busy, "room",
		(json_int_t)usage.sources_room, "drops", guard_drops_json(packets));
	return 0;
}
