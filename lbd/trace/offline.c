// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/offline.h"

#include <errno.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#define OFFLINE_INTERFACE 1 /* the loopback device: every network namespace has it */

/* Beyond every timeout, and well within what ticks can tell apart. */
#define OFFLINE_GAP_MAX_NS (30 * 24 * 3600 * 1000000000LL)

/* --- next hops */

static void offline_next_hop(struct backend *backend, const struct config_backend *config)
{
	struct nexthop *nexthop = &backend->nexthop;

	*nexthop = (struct nexthop){ .resolved = true,
				     .ifindex = OFFLINE_INTERFACE,
				     .mtu = TRACE_MTU };
	ether_aton_r(TRACE_MAC_NODE, (struct ether_addr *)nexthop->smac);
	if (config->has_mac)
		memcpy(nexthop->dmac, config->mac, sizeof(nexthop->dmac));
	else
		ether_aton_r(TRACE_MAC_BACKEND, (struct ether_addr *)nexthop->dmac);
}

static void offline_next_hops(const struct model *model, const struct config_service *config)
{
	const struct service *service =
		model_find_service(model, &config->vip, config->port, config->protocol);

	for (uint32_t i = 0; service && i < config->backends_count; i++) {
		struct backend *backend =
			model_find_backend(model, service->id, &config->backends[i].addr);

		if (backend)
			offline_next_hop(backend, &config->backends[i]);
	}
}

/* --- the secret */

/* Without it the choice of backends is another one, but nothing else is. */
static void offline_secret(struct offline *offline)
{
	const char *path = offline->lab.config->cluster.secret_file;
	struct error why;

	offline->lab.model->pick_secret = secret_public;
	if (path && secret_read(path, &offline->lab.model->pick_secret, &why))
		snprintf(offline->note, sizeof(offline->note),
			 "%.150s; new flows go to other backends here than on the nodes", why.text);
}

/* --- the way through */

static int offline_load(struct offline *offline, const char *object, struct error *err)
{
	const uint32_t traced = LBD_FEATURE_TRACE | LBD_FEATURE_ROUTELESS;
	const uint32_t interface = OFFLINE_INTERFACE;
	struct lab *lab = &offline->lab;
	int rc;

	for (uint32_t i = 0; i < lab->config->services_count; i++)
		offline_next_hops(lab->model, &lab->config->services[i]);
	offline_secret(offline);
	rc = lab_commit(lab, err);
	if (!rc)
		rc = lab_run(lab, object, model_features(lab->model, &interface, 1) | traced, err);
	if (!rc)
		rc = dataplane_trace_open(lab->dataplane, lab->prog_fd, &offline->trace, err);
	return rc;
}

int offline_open(struct offline *offline, struct config *config, const char *object,
		 struct error *err)
{
	int rc;

	memset(offline, 0, sizeof(*offline));
	offline->last_ns = -1;
	rc = lab_start(&offline->lab, config, err);
	if (!rc)
		rc = offline_load(offline, object, err);
	if (rc)
		offline_close(offline);
	return rc;
}

void offline_close(struct offline *offline)
{
	dataplane_trace_close(offline->trace);
	lab_close(&offline->lab);
	memset(offline, 0, sizeof(*offline));
}

static void offline_pass_time(struct offline *offline, int64_t time_ns)
{
	int64_t gap = offline->last_ns < 0 ? 0 : time_ns - offline->last_ns;

	if (gap < 0)
		return;
	offline->last_ns = time_ns;
	offline->elapsed_ns += (uint64_t)(gap < OFFLINE_GAP_MAX_NS ? gap : OFFLINE_GAP_MAX_NS);
}

int offline_run(struct offline *offline, int64_t time_ns, const void *frame, uint32_t size,
		struct trace_result *ret, struct error *err)
{
	offline_pass_time(offline, time_ns);
	dataplane_trace_set_elapsed(offline->trace, offline->elapsed_ns);
	return trace_run(offline->trace, offline->lab.model, OFFLINE_INTERFACE, frame, size, ret,
			 err);
}
