// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The peer's live connections, tried here: each as a packet from its middle
 * through a copy of the running packet path that writes nothing.
 *
 *   SAMPLE -> struct table_entry -> frame -> trace_run -> the same backend?
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "base/outcome.h"
#include "trace/trace.h"
#include "upgrade/golden.h"

/* Frames a request runs: some milliseconds. */
#define DRILL_SLICE 128

/* Of VRRP's router 1: the packet path takes frames for it besides its own addresses. */
static const uint8_t drill_mac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 };

struct drill {
	const struct lbd *lbd;
	const struct sync_sample *sample;
	const char *service; /* NULL: all */
	struct dataplane_trace *trace;
	struct trace_result result;
	uint64_t tried, agree;
	json_t *list;
};

/* What UDP carries is nothing that QUIC could take for a connection id. */
static struct golden_frame drill_frame(const struct service *service,
				       const struct table_entry *entry)
{
	struct golden_frame frame =
		golden_packet_from(&entry->client, &service->vip, service->protocol,
				   ntohs(entry->client_port), ntohs(entry->vip_port), TH_ACK);

	memcpy(frame.bytes, drill_mac, sizeof(drill_mac));
	memset(frame.bytes + frame.size - 16, 0, 16);
	return frame;
}

static json_t *drill_json(const struct drill *drill, const struct table_entry *entry)
{
	const struct model *model = drill->lbd->model;
	const struct service *service = &model->services[entry->service];
	char client[ADDR_TEXT_MAX], vip[ADDR_TEXT_MAX];

	addr_format_endpoint(&entry->client, entry->client_port, client);
	addr_format_endpoint(&service->vip, entry->vip_port, vip);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s}", "client", client, "vip", vip,
			 "service", service->name, "protocol", api_protocol_name(service->protocol),
			 "backend", model->backends[entry->backend].name, "choice",
			 drill->result.backend ? drill->result.backend->name : NULL, "outcome",
			 outcomes[drill->result.outcome].name);
}

static int drill_try(struct drill *drill, const struct table_entry *entry, struct error *err)
{
	const struct model *model = drill->lbd->model;
	const struct service *service = &model->services[entry->service];
	struct golden_frame frame;
	int rc;

	if (drill->service && strcmp(drill->service, service->name))
		return 0;
	frame = drill_frame(service, entry);
	rc = trace_run(drill->trace, model, drill->lbd->attachments[0].ifindex, frame.bytes,
		       frame.size, &drill->result, err);
	if (rc)
		return rc;
	drill->tried++;
	if (drill->result.backend && drill->result.backend->index == entry->backend)
		drill->agree++;
	else
		json_array_append_new(drill->list, drill_json(drill, entry));
	return 0;
}

static bool drill_is_known(const struct model *model, const struct table_entry *entry)
{
	return entry->service < model->limits.services && model->services[entry->service].id &&
	       entry->backend < model->limits.backends && model->backends[entry->backend].index;
}

static int drill_run(struct drill *drill, uint32_t from, uint32_t end, struct error *err)
{
	int rc = 0;

	for (uint32_t i = from; i < end && !rc; i++)
		if (drill_is_known(drill->lbd->model, &drill->sample->entries[i]))
			rc = drill_try(drill, &drill->sample->entries[i], err);
	return rc;
}

static int drill_slice(struct lbd *lbd, struct drill *drill, uint32_t from, json_t **ret,
		       struct error *err)
{
	uint32_t count = drill->sample->count;
	uint32_t end = from + DRILL_SLICE < count ? from + DRILL_SLICE : count;
	int rc = lbd_trace_begin(lbd, &drill->trace, err);

	if (rc)
		return rc;
	drill->list = json_array();
	rc = drill_run(drill, from, end, err);
	if (rc) {
		json_decref(drill->list);
		return rc;
	}
	*ret = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "ready", true, "peer",
			 drill->sample->peer, "sampled", (json_int_t)count, "unknown",
			 (json_int_t)drill->sample->unknown, "tried", (json_int_t)drill->tried,
			 "agree", (json_int_t)drill->agree, "list", drill->list, "next",
			 end < count ? json_integer(end) : json_null());
	return 0;
}

static int drill_number(const struct api_request *request, const char *name, uint64_t *ret,
			struct error *err)
{
	const char *text = api_query(request, name);
	char *end;

	*ret = 0;
	if (!text)
		return 0;
	*ret = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return error_set(err, -EINVAL, "%s: %.100s, expected a number", name, text);
	return 0;
}

static int drill_ask(const struct lbd *lbd, const struct api_request *request, uint64_t *ret_number,
		     uint64_t *ret_from, const char **ret_service, struct error *err)
{
	static const char *const known[] = { "number", "from", "service", NULL };
	int rc = api_query_check(request, known, err);

	*ret_service = api_query(request, "service");
	if (!rc)
		rc = drill_number(request, "number", ret_number, err);
	if (!rc)
		rc = drill_number(request, "from", ret_from, err);
	if (!rc && *ret_service)
		rc = api_check_service(lbd, *ret_service, err);
	return rc;
}

static int drill_answer(struct lbd *lbd, const struct sync_sample *sample, uint32_t from,
			const char *service, json_t **ret, struct error *err)
{
	struct drill *drill = calloc(1, sizeof(*drill));
	int rc;

	if (!drill)
		return error_set(err, -ENOMEM, "out of memory");
	drill->lbd = lbd;
	drill->sample = sample;
	drill->service = service;
	rc = drill_slice(lbd, drill, from, ret, err);
	free(drill);
	return rc;
}

int api_get_drill(struct lbd *lbd, const struct api_request *request, json_t **ret,
		  struct error *err)
{
	struct sync_sample *sample = calloc(1, sizeof(*sample));
	uint64_t number = 0, from = 0;
	const char *service = NULL;
	int rc;

	if (!sample)
		return error_set(err, -ENOMEM, "out of memory");
	rc = drill_ask(lbd, request, &number, &from, &service, err);
	if (!rc && lbd->sync)
		sync_get_sample(lbd->sync, sample);
	if (!rc && (!sample->number || sample->number < number))
		*ret = json_pack("{s:b}", "ready", false);
	else if (!rc)
		rc = drill_answer(lbd, sample,
				  from < sample->count ? (uint32_t)from : sample->count, service,
				  ret, err);
	free(sample);
	return rc;
}

static int drill_refuse(int rc, struct error *err)
{
	if (rc == -EPROTO)
		return error_set(err, rc,
				 "the active peer speaks version 1 of the protocol, which has no "
				 "samples");
	error_set(err, rc,
		  "no peer says that it is active: a drill runs on the standby, and "
		  "compares with the active node");
	error_hint(err, "lbctl peers");
	return rc;
}

int api_post_drill(struct lbd *lbd, const struct api_request *request, json_t **ret,
		   struct error *err)
{
	json_int_t count = API_DRILL_DEFAULT;
	uint64_t number = 0;
	int rc = api_body_unpack(request, err, "{s?I}", "count", &count);

	if (!rc && (count < 1 || count > API_DRILL_MAX))
		rc = error_set(err, -EINVAL, "count: %lld, expected 1 to %d", (long long)count,
			       API_DRILL_MAX);
	if (rc)
		return rc;
	rc = lbd->sync ? sync_ask_sample(lbd->sync, (uint32_t)count, &number) : -ENOENT;
	if (rc)
		return drill_refuse(rc, err);
	*ret = json_pack("{s:I}", "number", (json_int_t)number);
	return 0;
}
