// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace.h"

#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>

#include "base/hex.h"
#include "base/outcome.h"

static const char *const trace_actions[] = {
	[XDP_ABORTED] = "aborted", [XDP_DROP] = "drop",		[XDP_PASS] = "pass",
	[XDP_TX] = "tx",	   [XDP_REDIRECT] = "redirect",
};

#define TRACE_ACTIONS (sizeof(trace_actions) / sizeof(*trace_actions))

static const struct service *trace_service(const struct model *model, uint16_t id)
{
	return id && id < model->limits.services && model->services[id].id ? &model->services[id]
									   : NULL;
}

static const struct backend *trace_backend(const struct model *model, uint16_t index)
{
	return index && index < model->limits.backends && model->backends[index].index
		       ? &model->backends[index]
		       : NULL;
}

/* Behind which a redirected packet's receiver is, as far as it is a backend. */
static uint32_t trace_interface(const struct trace_result *result)
{
	if (result->action != XDP_REDIRECT || !result->backend ||
	    result->outcome == LBD_OUTCOME_FORWARD_RETURN)
		return 0;
	return result->backend->nexthop.ifindex;
}

int trace_run(struct dataplane_trace *trace, const struct model *model, uint32_t ifindex,
	      const void *frame, uint32_t size, struct trace_result *ret, struct error *err)
{
	struct lbd_trace record;

	if (size < DATAPLANE_FRAME_MIN || size > DATAPLANE_FRAME_MAX)
		return error_set(err, -EINVAL, "a frame of %u bytes, expected %d to %d", size,
				 DATAPLANE_FRAME_MIN, DATAPLANE_FRAME_MAX);
	ret->size = sizeof(ret->out);
	ret->action =
		dataplane_trace_run(trace, ifindex, frame, size, ret->out, &ret->size, &record);
	if (ret->action == -EBADMSG)
		return error_set(err, -EBADMSG,
				 "the packet path named %u outcomes for a packet, expected 1",
				 record.exits);
	if (ret->action < 0)
		return error_errno(err, ret->action, "test-run of a frame of %u bytes", size);
	ret->outcome = record.outcome;
	ret->service = trace_service(model, record.service);
	ret->backend = trace_backend(model, record.backend);
	ret->ifindex = trace_interface(ret);
	return 0;
}

/* What this node sends, as hexadecimal digits; null if it sends nothing. */
static json_t *trace_out(const struct trace_result *result)
{
	char text[2 * TRACE_OUT_MAX + 1];

	if ((result->action != XDP_TX && result->action != XDP_REDIRECT) ||
	    result->outcome == LBD_OUTCOME_HOLD_FRAGMENT)
		return json_null();
	return json_string(hex_format(result->out, result->size, text));
}

json_t *trace_json(const struct trace_result *result)
{
	const struct outcome *outcome = &outcomes[result->outcome];
	const char *action = "invalid";
	char interface[IF_NAMESIZE];

	if ((size_t)result->action < TRACE_ACTIONS)
		action = trace_actions[result->action];
	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:o}", "action", action, "outcome",
			 outcome->name, "kind", outcome->kind, "sentence", outcome->sentence,
			 "service", result->service ? result->service->name : NULL, "backend",
			 result->backend ? result->backend->name : NULL, "out_interface",
			 result->ifindex ? if_indextoname(result->ifindex, interface) : NULL, "out",
			 trace_out(result));
}
