// SPDX-License-Identifier: GPL-2.0-or-later
/* The packet path: what runs, the way forward and the way back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "api/resource.h"
#include "upgrade/past.h"

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

static json_t *generation_describe(const struct dataplane_generation *generation)
{
	return json_pack("{s:I, s:s, s:o, s:o, s:I, s:I}", "prog_id",
			 (json_int_t)generation->prog_id, "tag", generation->tag, "version",
			 api_text(generation->version), "features",
			 api_features_json(generation->features), "instructions",
			 (json_int_t)generation->instructions, "loaded_at",
			 (json_int_t)generation->loaded_at);
}

static json_t *generation_json(const struct lbd *lbd, enum lbd_generation_slot slot)
{
	struct dataplane_generation generation = { 0 };

	if (dataplane_generation(lbd->dataplane, slot, &generation) || !generation.prog_id)
		return json_null();
	return generation_describe(&generation);
}

static json_t *generation_trial_json(const struct lbd *lbd)
{
	const struct lbd_upgrading *now = &lbd->upgrading;
	const struct watch *watch = &now->watching.watch;
	char evidence[WATCHING_TEXT_MAX];
	struct dataplane_split split;

	if (!now->trial || !dataplane_split(lbd->dataplane, &split))
		return json_null();
	return json_pack("{s:s, s:o, s:f, s:o, s:I, s:b, s:b, s:o, s:o}", "kind",
			 now->trial == UPGRADING_WATCH ? "watch" : "canary", "object",
			 api_text(now->object), "share", (double)split.share / LBD_SPLIT_WHOLE,
			 "services", api_text(*now->services ? now->services : NULL), "left_ms",
			 (json_int_t)lbd_upgrading_left_ms(lbd), "late", split.late, "doubted",
			 watch->doubted, "evidence",
			 api_text(watching_format(&now->watching, evidence)), "candidate",
			 generation_describe(&split.candidate));
}

json_t *api_generations_json(const struct lbd *lbd)
{
	return json_pack("{s:o, s:o, s:o}", "running", generation_json(lbd, LBD_GENERATION_RUNNING),
			 "previous", generation_json(lbd, LBD_GENERATION_PREVIOUS), "trial",
			 generation_trial_json(lbd));
}

/* The daemon's working directory is none of the client's business. */
int api_check_object(const char *object, struct error *err)
{
	if (!object || *object == '/')
		return 0;
	return error_set(err, -EINVAL, "object: %.200s, expected an absolute path", object);
}

/* What POST /v1/upgrade may say. */
struct generation_request {
	const char *object, *action;
	int force;
	json_int_t share; /* 0: none came */
	json_t *services; /* list of names, or NULL */
};

static int generation_unpack(const struct api_request *request, struct generation_request *ret,
			     struct error *err)
{
	int rc;

	*ret = (struct generation_request){ 0 };
	if (!request->body)
		return 0;
	rc = api_body_unpack(request, err, "{s?s, s?s, s?b, s?I, s?o}", "object", &ret->object,
			     "action", &ret->action, "force", &ret->force, "share", &ret->share,
			     "services", &ret->services);
	if (!rc)
		rc = api_check_object(ret->object, err);
	if (rc)
		return rc;
	if (json_object_get(request->body, "share") &&
	    (ret->share < 1 || ret->share > LBD_SPLIT_WHOLE))
		return error_set(err, -EINVAL, "share: %lld, expected 1 to %d",
				 (long long)ret->share, LBD_SPLIT_WHOLE);
	if (ret->services && !ret->share)
		return error_set(err, -EINVAL, "services: expected a share with them");
	if (ret->action && (ret->object || ret->share))
		return error_set(err, -EINVAL, "action: expected neither object nor share with it");
	return 0;
}

static int generation_canary(struct lbd *lbd, const struct generation_request *asked,
			     struct error *err)
{
	const char *names[LBD_SPLIT_SERVICES + 1] = { 0 };
	struct lbd_canary canary = {
		.object = asked->object,
		.share = (uint32_t)asked->share,
		.force = asked->force,
		.services = names,
	};
	const json_t *name;
	size_t i;

	if (asked->services && !json_is_array(asked->services))
		return error_set(err, -EINVAL, "services: expected a list");
	json_array_foreach(asked->services, i, name) {
		if (!json_is_string(name) || i == LBD_SPLIT_SERVICES)
			return error_set(err, -EINVAL, "services: expected at most %d names",
					 LBD_SPLIT_SERVICES);
		names[canary.services_count++] = json_string_value(name);
	}
	return lbd_canary(lbd, &canary, err);
}

static int generation_act(struct lbd *lbd, const char *action, struct error *err)
{
	if (!strcmp(action, "promote"))
		return lbd_promote(lbd, err);
	if (!strcmp(action, "abort"))
		return lbd_abort(lbd, err);
	return error_set(err, -EINVAL, "action: %.50s, expected promote or abort", action);
}

/* --- a request that is answered once the object is proven, or isn't */

struct generation_upgrade {
	struct lbd *lbd;
	struct evhttp_request *http;
	json_t *body; /* or NULL */
};

static int generation_use(void *context, struct error *err)
{
	const struct generation_upgrade *upgrade = context;
	const struct api_request request = { .body = upgrade->body };
	struct generation_request asked;
	int rc = generation_unpack(&request, &asked, err);

	if (rc)
		return rc;
	return asked.share ? generation_canary(upgrade->lbd, &asked, err)
			   : lbd_upgrade(upgrade->lbd, asked.object, asked.force, err);
}

static void generation_done(void *context, int rc, const struct preflight_report *found,
			    const struct error *err)
{
	struct generation_upgrade *upgrade = context;

	(void)found;
	if (rc)
		lbd_upgrading_refused(upgrade->lbd, json_object_get(upgrade->body, "share") != NULL,
				      json_string_value(json_object_get(upgrade->body, "object")),
				      err);
	reply_later(upgrade->http, rc, rc ? NULL : api_generations_json(upgrade->lbd), err);
	json_decref(upgrade->body);
	free(upgrade);
}

static int generation_prove(struct lbd *lbd, const struct api_request *request,
			    const struct generation_request *asked, struct error *err)
{
	struct lbd_prove_order order = { asked->object, asked->force, generation_use,
					 generation_done, NULL };
	struct generation_upgrade *upgrade;
	int rc;

	order.context = upgrade = malloc(sizeof(*upgrade));
	if (!upgrade)
		return error_set(err, -ENOMEM, "out of memory");
	*upgrade = (struct generation_upgrade){ lbd, request->http, json_incref(request->body) };
	rc = lbd_prove_begin(lbd, &order, err);
	if (!rc)
		return API_LATER; /* generation_done frees it */
	json_decref(upgrade->body);
	free(upgrade);
	return rc;
}

int api_post_upgrade(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	struct generation_request asked;
	int rc = generation_unpack(request, &asked, err);

	if (!rc && !asked.action)
		return generation_prove(lbd, request, &asked, err);
	if (!rc)
		rc = generation_act(lbd, asked.action, err);
	if (!rc)
		*ret = api_generations_json(lbd);
	return rc;
}

/* The newest first. */
int api_get_upgrades(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	static const char *const known[] = { NULL };
	int rc = api_query_check(request, known, err);
	char path[PAST_PATH_MAX];
	json_t *kept, *list;

	if (rc)
		return rc;
	kept = past_list(past_path(lbd->history_dir, path));
	list = json_array();
	for (size_t i = json_array_size(kept); i; i--)
		json_array_append(list, json_array_get(kept, i - 1));
	json_decref(kept);
	*ret = json_pack("{s:o}", "upgrades", list);
	return 0;
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
