/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace without a daemon: a config file on a data plane of its own.
 *
 * What the daemon would ask for is taken as given: every backend is healthy,
 * and its next hop is the config's mac, else TRACE_MAC_BACKEND, on a link of
 * TRACE_MTU. Frames for any MAC address are taken, and all come in on and leave
 * by the same interface.
 */
#ifndef TRACE_OFFLINE_H
#define TRACE_OFFLINE_H

#include "trace/lab.h"
#include "trace/trace.h"

/* Of the range for documentation (RFC 7042, 2.1.1). */
#define TRACE_MAC_NODE "00:00:5e:00:53:01"
#define TRACE_MAC_BACKEND "00:00:5e:00:53:02"
#define TRACE_MTU 1500

struct offline {
	struct lab lab;
	struct dataplane_trace *trace;
	int64_t last_ns;     /* time of the latest packet; -1: none yet */
	uint64_t elapsed_ns; /* since the first */
	char note[256];	     /* what the answers may differ in from the nodes', or empty */
};

/* Load @object for @config, which becomes its own. On failure nothing is left open. */
int offline_open(struct offline *offline, struct config *config, const char *object,
		 struct error *err);

/* Accepts one that was never opened, if zeroed. */
void offline_close(struct offline *offline);

/*
 * Run a frame that was captured at @time_ns. Between packets time passes as it
 * did in the capture; where that goes backwards, none.
 */
int offline_run(struct offline *offline, int64_t time_ns, const void *frame, uint32_t size,
		struct trace_result *ret, struct error *err);

#endif
