// SPDX-License-Identifier: GPL-2.0-or-later
/* lbctl trace without --config: the daemon's running packet path, its tables read only. */
#include <stdlib.h>

#include "base/hex.h"
#include "dataplane/dataplane.h"
#include "lbctl/client.h"
#include "lbctl/report.h"
#include "lbctl/tracer.h"

struct tracer_live {
	struct tracer tracer;
	/*
	 * Errors on standard output, as JSON, would stand in the middle of an
	 * answer: after the first batch they go to standard error.
	 */
	struct invocation plain;
};

static json_t *tracer_packets(const struct tracer_batch *batch)
{
	char text[2 * DATAPLANE_FRAME_MAX + 1];
	json_t *list = json_array();

	for (uint32_t i = 0; i < batch->count; i++) {
		const struct tracer_packet *packet = &batch->packets[i];

		if (packet->size)
			json_array_append_new(
				list, json_string(hex_format(packet->frame, packet->size, text)));
	}
	return list;
}

static int tracer_take(const struct invocation *invocation, json_t *answer, size_t expected,
		       json_t **ret)
{
	json_t *results = json_incref(json_object_get(answer, "results"));

	json_decref(answer);
	*ret = results;
	if (json_array_size(results) == expected)
		return LBCTL_OK;
	json_decref(results);
	return report_error(invocation, LBCTL_FAILED, "EPROTO",
			    "the daemon answered for another number of packets", NULL);
}

static int tracer_ask(const struct invocation *invocation, json_t *packets, json_t **ret)
{
	struct client_request request = { .endpoint = API_post_trace };
	json_t *answer = NULL;
	json_t *body = json_pack("{s:O, s:s*}", "packets", packets, "interface",
				 command_value(invocation, "interface"));
	int rc;

	request.body = body;
	rc = client_call(invocation, &request, &answer);
	if (!rc)
		rc = tracer_take(invocation, answer, json_array_size(packets), ret);
	json_decref(body);
	return rc;
}

static int tracer_run_live(struct tracer *tracer, const struct tracer_batch *batch, json_t **ret)
{
	struct tracer_live *live = (struct tracer_live *)tracer;
	json_t *packets = tracer_packets(batch);
	int rc = LBCTL_OK;

	/* None of the batch can be run: there is nothing to ask. */
	*ret = NULL;
	if (json_array_size(packets))
		rc = tracer_ask(tracer->invocation, packets, ret);
	json_decref(packets);
	tracer->invocation = &live->plain;
	return rc;
}

static void tracer_close_live(struct tracer *tracer)
{
	free(tracer);
}

static const struct tracer_kind tracer_kind_live = {
	.run = tracer_run_live,
	.close = tracer_close_live,
};

int tracer_open_live(const struct invocation *invocation, struct tracer **ret)
{
	struct tracer_live *live = calloc(1, sizeof(*live));

	if (!live)
		return report_error(invocation, LBCTL_FAILED, "ENOMEM", "out of memory", NULL);
	live->tracer = (struct tracer){ &tracer_kind_live, invocation };
	live->plain =
		*invocation; /* its socket still points into the original, which outlives it */
	live->plain.json = false;
	*ret = &live->tracer;
	return LBCTL_OK;
}
