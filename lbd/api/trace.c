// SPDX-License-Identifier: GPL-2.0-or-later
/* What would become of packets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "base/hex.h"
#include "trace/trace.h"

struct trace_request {
	json_t *packets;
	const char *interface; /* name, or NULL */
	uint32_t ifindex;
};

static int trace_interface(const struct lbd *lbd, struct trace_request *request, struct error *err)
{
	const struct config *config = lbd->config;
	uint32_t i = 0;

	if (request->interface)
		while (i < config->xdp.interfaces_count &&
		       strcmp(config->xdp.interfaces[i], request->interface) != 0)
			i++;
	if (i == config->xdp.interfaces_count)
		return error_set(err, -ENOENT, "interface: %.64s is none of xdp.interfaces",
				 request->interface ? request->interface : "");
	request->ifindex = lbd->attachments[i].ifindex;
	return 0;
}

static int trace_read(const struct lbd *lbd, const struct api_request *from,
		      struct trace_request *ret, struct error *err)
{
	int rc;

	rc = api_body_unpack(from, err, "{s:o, s?s}", "packets", &ret->packets, "interface",
			     &ret->interface);
	if (rc)
		return rc;
	if (!json_is_array(ret->packets) || !json_array_size(ret->packets) ||
	    json_array_size(ret->packets) > API_TRACE_PACKETS_MAX)
		return error_set(err, -EINVAL, "packets: expected a list of 1 to %d frames",
				 API_TRACE_PACKETS_MAX);
	return trace_interface(lbd, ret, err);
}

static int trace_frame(const json_t *packet, size_t number, uint8_t *frame, struct error *err)
{
	const char *text = json_string_value(packet);
	int size = text ? hex_parse(text, frame, DATAPLANE_FRAME_MAX) : -EINVAL;

	if (size >= DATAPLANE_FRAME_MIN)
		return size;
	return error_set(err, -EINVAL,
			 "packets[%zu]: expected a frame of %d to %d bytes in hexadecimal digits",
			 number, DATAPLANE_FRAME_MIN, DATAPLANE_FRAME_MAX);
}

static int trace_packets(const struct lbd *lbd, const struct trace_request *request,
			 struct dataplane_trace *trace, json_t *results, struct error *err)
{
	struct trace_result *result = malloc(sizeof(*result));
	uint8_t frame[DATAPLANE_FRAME_MAX];
	const json_t *packet;
	int size, rc = 0;
	size_t i;

	if (!result)
		return error_set(err, -ENOMEM, "out of memory");
	json_array_foreach(request->packets, i, packet) {
		rc = size = trace_frame(packet, i, frame, err);
		if (rc >= 0)
			rc = trace_run(trace, lbd->model, request->ifindex, frame, (uint32_t)size,
				       result, err);
		if (rc < 0)
			break;
		json_array_append_new(results, trace_json(result));
	}
	free(result);
	return rc;
}

int api_post_trace(struct lbd *lbd, const struct api_request *request, json_t **ret,
		   struct error *err)
{
	struct trace_request asked = { 0 };
	struct dataplane_trace *trace;
	json_t *results;
	int rc;

	rc = trace_read(lbd, request, &asked, err);
	if (!rc)
		rc = lbd_trace_begin(lbd, &trace, err);
	if (rc)
		return rc;
	results = json_array();
	rc = trace_packets(lbd, &asked, trace, results, err);
	if (rc)
		json_decref(results);
	else
		*ret = json_pack("{s:o}", "results", results);
	return rc;
}
