/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a packet, and why: one frame through a generation that
 * traces, and the answer as people and programs read it. The daemon asks a
 * copy of its running packet path, lbctl trace --config one of its own.
 *
 *   frame -> dataplane_trace_run -> struct trace_result -> JSON
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <jansson.h>

#include "dataplane/dataplane.h"
#include "model/model.h"

#define TRACE_OUT_MAX (DATAPLANE_FRAME_MAX + DATAPLANE_HEADROOM)

struct trace_result {
	int action; /* XDP_* */
	enum lbd_outcome outcome;
	const struct service *service; /* NULL: none has this destination */
	const struct backend *backend; /* NULL: none was picked */
	uint32_t ifindex;	       /* where a redirected packet leaves; 0: unknown */
	uint32_t size;		       /* of out */
	uint8_t out[TRACE_OUT_MAX];    /* the frame as the packet path left it */
};

/*
 * Run one frame of DATAPLANE_FRAME_MIN to DATAPLANE_FRAME_MAX bytes that came
 * in on @ifindex. What *ret points to is @model's: the one in force there.
 */
int trace_run(struct dataplane_trace *trace, const struct model *model, uint32_t ifindex,
	      const void *frame, uint32_t size, struct trace_result *ret, struct error *err);

/*
 * {action, outcome, kind, sentence, service, backend, out, out_interface}, as
 * lbd/api/API.md shows it; NULL without memory.
 */
json_t *trace_json(const struct trace_result *result);

#endif
