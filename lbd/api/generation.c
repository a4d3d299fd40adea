// SPDX-License-Identifier: GPL-2.0-or-later
/* The packet path: what runs, the way forward and the way back. */
#include "api/resource.h"

static const struct {
	uint32_t bit;
	const char *name;
} generation_features[] = {
	{ LBD_FEATURE_IPV4, "ipv4" },
	{ LBD_FEATURE_IPV6, "ipv6" },
	{ LBD_FEATURE_DSR, "dsr" },
	{ LBD_FEATURE_IPIP, "ipip" },
	{ LBD_FEATURE_ANY_PORT, "any_port" },
	{ LBD_FEATURE_REDIRECT, "redirect" },
	{ LBD_FEATURE_GUE, "gue" },
	{ LBD_FEATURE_GRE, "gre" },
	{ LBD_FEATURE_VXLAN, "vxlan" },
	{ LBD_FEATURE_GENEVE, "geneve" },
	{ LBD_FEATURE_TELL_MTU, "tell_mtu" },
	{ LBD_FEATURE_HASH, "hash" },
	{ LBD_FEATURE_STICKY, "sticky" },
	{ LBD_FEATURE_DOWN, "down" },
	{ LBD_FEATURE_TIMEOUTS, "timeouts" },
	{ LBD_FEATURE_QUIC, "quic" },
	{ LBD_FEATURE_ECHO, "echo" },
	{ LBD_FEATURE_ICMP_ERRORS, "icmp_errors" },
	{ LBD_FEATURE_FRAGMENTS, "fragments" },
	{ LBD_FEATURE_VLAN, "vlan" },
	{ LBD_FEATURE_EXTENSIONS, "extensions" },
	{ LBD_FEATURE_ACL, "acl" },
	{ LBD_FEATURE_LIMITS, "limits" },
	{ LBD_FEATURE_SAMPLE, "sample" },
	{ LBD_FEATURE_NAT, "nat" },
};

json_t *api_features_json(uint32_t features)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(generation_features) / sizeof(*generation_features); i++)
		if (features & generation_features[i].bit)
			json_array_append_new(list, json_string(generation_features[i].name));
	return list;
}

static json_t *generation_json(const struct lbd *lbd, enum lbd_generation_slot slot)
{
	struct dataplane_generation generation = { 0 };

	if (dataplane_generation(lbd->dataplane, slot, &generation) || !generation.prog_id)
		return json_null();
	return json_pack(
		"{s:I, s:s, s:o, s:o, s:I, s:I}", "prog_id", (json_int_t)generation.prog_id, "tag",
		generation.tag, "version", api_text(generation.version), "features",
		api_features_json(generation.features), "instructions",
		(json_int_t)generation.instructions, "loaded_at", (json_int_t)generation.loaded_at);
}

json_t *api_generations_json(const struct lbd *lbd)
{
	return json_pack("{s:o, s:o}", "running", generation_json(lbd, LBD_GENERATION_RUNNING),
			 "previous", generation_json(lbd, LBD_GENERATION_PREVIOUS));
}

/* The daemon's working directory is none of the client's business. */
int api_check_object(const char *object, struct error *err)
{
	if (!object || *object == '/')
		return 0;
	return error_set(err, -EINVAL, "object: %.200s, expected an absolute path", object);
}

int api_post_upgrade(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	const char *object = NULL;
	int force = 0, rc = 0;

	if (request->body)
		rc = api_body_unpack(request, err, "{s?s, s?b}", "object", &object, "force",
				     &force);
	if (!rc)
		rc = api_check_object(object, err);
	if (!rc)
		rc = lbd_upgrade(lbd, object, force, err);
	if (!rc)
		*ret = api_generations_json(lbd);
	return rc;
}

int api_post_rollback(struct lbd *lbd, const struct api_request *request, json_t **ret,
		      struct error *err)
{
	int rc;

	(void)request;
	rc = lbd_rollback(lbd, err);
	if (!rc)
		*ret = api_generations_json(lbd);
	return rc;
}
