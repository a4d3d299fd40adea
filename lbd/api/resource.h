/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the server and the resources, within lbd/api/ only. */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>

#include "lbd.h"
#include "lbd/api.h"

struct api_request {
	struct evkeyvalq query;
	json_t *body; /* an object; NULL: none came */
	struct evhttp_request *http;
};

/* From a handler that answers @request->http itself, later. */
#define API_LATER 1

/*
 * One endpoint: *ret is the answer, owned by the caller, on 0. On a negative
 * errno @err says why and nothing is returned. 0 with *ret NULL: no memory.
 */
typedef int (*api_handler)(struct lbd *lbd, const struct api_request *request, json_t **ret,
			   struct error *err);

#define X(endpoint, method, path, what)                                                      \
	int api_##endpoint(struct lbd *lbd, const struct api_request *request, json_t **ret, \
			   struct error *err);
API_ENDPOINTS(X)
#undef X

/* The value of a query parameter, or NULL. */
const char *api_query(const struct api_request *request, const char *name);

/* -EINVAL if the query has a parameter that isn't in @names (NULL at its end). */
int api_query_check(const struct api_request *request, const char *const *names, struct error *err);

/* Take the body apart as json_unpack(3) does, strictly. -EINVAL says what is wrong with it. */
int api_body_unpack(const struct api_request *request, struct error *err, const char *format, ...);

/* Text from anywhere as a JSON string: bytes that aren't UTF-8 become '?'. NULL: null. */
json_t *api_text(const char *text);

/* What is the case with the address of a backend that has no next hop: "has no route". */
const char *api_why_unresolved(const struct lbd *lbd, const struct backend *backend);

/* {open, reason} */
json_t *api_gate_json(const struct lbd *lbd);

/* The object that GET /v1/role answers, {role, role_ms_ago, gate}. */
json_t *api_role_json(const struct lbd *lbd);

/* Why none of the configured peers is talked to; NULL: they are, or there are none. */
const char *api_peers_fault(const struct lbd *lbd);

/* The peers in short: who they are, how they are, what they run. */
json_t *api_peers_brief_json(const struct lbd *lbd);

/* {running, previous, trial} */
json_t *api_generations_json(const struct lbd *lbd);

/* The names of LBD_FEATURE_* bits. */
json_t *api_features_json(uint32_t features);

/* {number, back_to, left_ms, fault} of the config on trial, or null. */
json_t *api_trial_json(const struct lbd *lbd);

/* -EINVAL if @object, which may be NULL, is no absolute path. */
int api_check_object(const char *object, struct error *err);

/* {directory, in_use, not_in_use, files}: what is pinned, and what for. */
json_t *api_pins_json(const struct lbd *lbd);

/* Is anything pinned that nothing uses? *ret is the first, and how many there are beside. */
struct api_pins_fault {
	char what[400];
	const char *hint;
	uint32_t others;
};

bool api_pins_fault(const struct lbd *lbd, struct api_pins_fault *ret);

/* {total, up} over all services. */
json_t *api_backend_totals_json(const struct lbd *lbd);

/* {name, kind, packets, share, sentence} of one outcome. */
json_t *api_outcome_json(size_t outcome, uint64_t packets, uint64_t total);

/* {migration}: the tables on their way into maps of other limits, and when they last were. */
json_t *api_migration_json(const struct lbd *lbd);

/* How many services are configured. */
uint32_t api_service_count(const struct lbd *lbd);

/* The list of what an operator must know; empty when all is well. */
json_t *api_problems_json(const struct lbd *lbd);

/* -ENOENT if no service, not even a gone one, is called @name. */
int api_check_service(const struct lbd *lbd, const char *name, struct error *err);

/* What the configured backends of a service can do. Those for fallback count apart. */
struct api_capacity {
	uint32_t total;
	uint32_t up;	   /* take new connections */
	uint32_t down;	   /* called down by their health check */
	uint32_t fallback; /* would take new connections if no other did */
};

struct api_capacity api_service_capacity(const struct model *model, uint16_t service);

/* Entries of the connection tables, by what they belong to. */
struct api_usage {
	uint64_t ipv4, ipv6;
	uint64_t *services; /* limits.services of them, by id */
	uint64_t *backends; /* limits.backends of them, by index */
	struct lbd_limits limits;
};

/* One walk over the tables. -ENOMEM; else to be freed with api_usage_free. */
int api_usage_count(const struct lbd *lbd, struct api_usage *ret);
void api_usage_free(struct api_usage *usage);

/* The name of an IP protocol that a service can have. */
const char *api_protocol_name(uint8_t protocol);

#endif
