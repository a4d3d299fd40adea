// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/resource.h"

int api_post_reload(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	bool changed = lbd->runtime_changes;
	int rc;

	(void)request;
	rc = lbd_reload(lbd, err);
	if (!rc)
		*ret = json_pack("{s:I, s:o, s:b}", "services", (json_int_t)api_service_count(lbd),
				 "backends", api_backend_totals_json(lbd),
				 "runtime_changes_dropped", changed);
	return rc;
}
