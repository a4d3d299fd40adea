// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/resource.h"
#include "base/outcome.h"

json_t *api_outcome_json(size_t outcome, uint64_t packets, uint64_t total)
{
	return json_pack("{s:s, s:s, s:I, s:f, s:s}", "name", outcomes[outcome].name, "kind",
			 outcomes[outcome].kind, "packets", (json_int_t)packets, "share",
			 total ? (double)packets / (double)total : 0.0, "sentence",
			 outcomes[outcome].sentence);
}

int api_get_counters(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	uint64_t packets[LBD_OUTCOME_MAX] = { 0 }, total = 0;
	json_t *list;
	int rc;

	(void)request;
	rc = dataplane_outcomes(lbd->dataplane, packets);
	if (rc)
		return error_errno(err, rc, "reading the outcome counters");
	for (size_t i = 0; i < LBD_OUTCOME_COUNT; i++)
		total += packets[i];
	list = json_array();
	for (size_t i = 0; i < LBD_OUTCOME_COUNT; i++)
		json_array_append_new(list, api_outcome_json(i, packets[i], total));
	*ret = json_pack("{s:I, s:o}", "packets", (json_int_t)total, "outcomes", list);
	return 0;
}
