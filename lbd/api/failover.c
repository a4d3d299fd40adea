// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "api/resource.h"

static json_t *failover_json(struct lbd *lbd)
{
	struct failover failover;

	ha_look_failover(lbd->ha, &failover);
	return json_pack("{s:s, s:b, s:o, s:I}", "state", failover_state_name(failover.state), "on",
			 failover_is_on(&failover), "sentence", api_text(failover.sentence),
			 "without_master_ms", (json_int_t)failover.without_master_ms);
}

int api_get_failover(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	(void)request;
	(void)err;
	*ret = failover_json(lbd);
	return 0;
}

int api_post_failover(struct lbd *lbd, const struct api_request *request, json_t **ret,
		      struct error *err)
{
	json_int_t timeout_ms = API_FAILOVER_TIMEOUT_MS;
	int force = 0, rc;

	rc = api_body_unpack(request, err, "{s?I, s?b}", "timeout_ms", &timeout_ms, "force",
			     &force);
	if (!rc && (timeout_ms < 0 || timeout_ms > API_FAILOVER_TIMEOUT_MAX_MS))
		rc = error_set(err, -EINVAL, "timeout_ms: %lld, expected 0 to %d",
			       (long long)timeout_ms, API_FAILOVER_TIMEOUT_MAX_MS);
	if (!rc)
		rc = ha_failover(lbd->ha, force, (uint32_t)timeout_ms, err);
	if (!rc)
		*ret = failover_json(lbd);
	return rc;
}
