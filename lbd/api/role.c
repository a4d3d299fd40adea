// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/resource.h"

static const char *const role_names[] = {
#define X(constant, name) name,
	HA_ROLES(X)
#undef X
};

json_t *api_gate_json(const struct lbd *lbd)
{
	struct ha_status status;

	ha_status(lbd->ha, &status);
	return json_pack("{s:b, s:o}", "open", status.gate_open, "reason",
			 api_text(status.gate_reason));
}

/* Null on a node without peers: terms are agreed with them. */
static json_t *role_term_json(const struct lbd *lbd)
{
	struct sync_term term;

	if (!lbd->sync)
		return json_null();
	sync_get_term(lbd->sync, &term);
	return json_pack("{s:I, s:I, s:I}", "own", (json_int_t)term.own, "began_ms_ago",
			 (json_int_t)term.began_ms_ago, "known", (json_int_t)term.known);
}

json_t *api_role_json(const struct lbd *lbd)
{
	struct ha_status status;

	ha_status(lbd->ha, &status);
	return json_pack("{s:s, s:I, s:o, s:o}", "role", role_names[status.role], "role_ms_ago",
			 (json_int_t)status.role_ms_ago, "term", role_term_json(lbd), "gate",
			 api_gate_json(lbd));
}

int api_get_role(struct lbd *lbd, const struct api_request *request, json_t **ret,
		 struct error *err)
{
	(void)request;
	(void)err;
	*ret = api_role_json(lbd);
	return 0;
}

int api_post_role(struct lbd *lbd, const struct api_request *request, json_t **ret,
		  struct error *err)
{
	const char *role;
	int rc;

	rc = api_body_unpack(request, err, "{s:s}", "role", &role);
	if (!rc)
		rc = ha_set_role(lbd->ha, role, err);
	if (!rc)
		*ret = api_role_json(lbd);
	return rc;
}
