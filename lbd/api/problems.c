// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an operator must know, worst first: each check looks at one thing and
 * adds a sentence and the next command for every fault it finds.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/resource.h"

#define PROBLEMS_SILENCE_MS 3000  /* ten missed heartbeats */
#define PROBLEMS_UNSYNCED_MS 5000 /* changes wait for less than a tenth of a second */

static void problems_add(json_t *problems, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void problems_add(json_t *problems, const char *hint, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(
		problems, json_pack("{s:o, s:o}", "what", api_text(text), "hint", api_text(hint)));
}

static void problems_generation(const struct lbd *lbd, json_t *problems)
{
	struct dataplane_generation running = { 0 };

	if (dataplane_generation(lbd->dataplane, LBD_GENERATION_RUNNING, &running) ||
	    !running.prog_id)
		problems_add(problems, "lbctl upgrade",
			     "no packet path is loaded: nothing is forwarded");
}

static void problems_config(const struct lbd *lbd, json_t *problems)
{
	if (lbd->origin == HISTORY_FROM_LAST_GOOD)
		problems_add(problems, "lbctl check; lbctl reload",
			     "%s was broken when lbd started, the last good config runs: %s",
			     lbd->config_path, lbd->file_fault);
	if (lbd->origin == HISTORY_FROM_REVERTED && !lbd->trial.entry.number)
		problems_add(problems, "lbctl diff; lbctl reload",
			     "%s was on trial and not confirmed, what ran before runs: mend the "
			     "file, or take it as it is",
			     lbd->config_path);
	if (lbd->trial.fault[0])
		problems_add(problems, "lbctl confirm, or lbctl reload --cancel",
			     "the config on trial is over its time, and the one before is refused: "
			     "%s",
			     lbd->trial.fault);
	if (lbd->history_fault)
		problems_add(problems, "journalctl -u lbd; df",
			     "configs can't be kept in %s: a broken file would find no last good "
			     "one",
			     lbd->history_dir);
}

static void problems_role(const struct lbd *lbd, json_t *problems)
{
	struct ha_status status;

	ha_status(lbd->ha, &status);
	if (status.role == HA_ROLE_FAULT)
		problems_add(problems, "journalctl -u keepalived",
			     "keepalived says FAULT: this node may not have the VIP");
	if (!status.gate_open)
		problems_add(problems, "lbctl peers", "gate closed: %s", status.gate_reason);
}

static void problems_service(const struct lbd *lbd, const struct service *service, json_t *problems)
{
	struct api_capacity can = api_service_capacity(lbd->model, service->id);
	char hint[CONFIG_NAME_MAX + 32];

	snprintf(hint, sizeof(hint), "lbctl backends %s", service->name);
	if (!can.up && can.fallback)
		problems_add(problems, hint, "service %s: no backend is up, its fallback serves",
			     service->name);
	else if (!can.up)
		problems_add(problems, hint, "service %s: no backend is up", service->name);
	else if (can.down)
		problems_add(problems, hint, "service %s: %u of %u backends down", service->name,
			     can.down, can.total);
}

static void problems_services(const struct lbd *lbd, json_t *problems)
{
	for (uint32_t id = LBD_SERVICE_ID_MIN; id < lbd->model->limits.services; id++) {
		const struct service *service = &lbd->model->services[id];

		if (service->id && !service->gone)
			problems_service(lbd, service, problems);
	}
}

static void problems_nexthops(const struct lbd *lbd, json_t *problems)
{
	for (uint32_t i = 1; i < lbd->model->limits.backends; i++) {
		const struct backend *backend = &lbd->model->backends[i];
		char address[ADDR_TEXT_MAX];

		if (!backend->index || backend->nexthop.resolved ||
		    model_backend_state(backend) != LBD_BACKEND_UP)
			continue;
		problems_add(problems, "ip neigh; ip route",
			     "backend %s of %s: no next hop to %s, its packets are dropped: it %s",
			     backend->name, lbd->model->services[backend->service].name,
			     addr_format(&backend->addr, address),
			     api_why_unresolved(lbd, backend));
	}
}

/* A key that doesn't fit looks like a peer that is dead. */
static void problems_keys(const struct sync_peer_status *peer, json_t *problems)
{
	if (peer->handshakes_failed &&
	    (peer->state == SYNC_STATE_CONNECTING || peer->state == SYNC_STATE_HELLO))
		problems_add(problems, "lbctl keygen --public",
			     "peer %s: %llu handshakes failed; does each have the other's public "
			     "key?",
			     peer->name, (unsigned long long)peer->handshakes_failed);
}

static void problems_peer(const struct sync_peer_status *peer, json_t *problems)
{
	const char *hint = "lbctl risk";

	if (peer->heard_ms_ago < 0)
		problems_add(problems, hint, "peer %s never heard: a failover breaks connections",
			     peer->name);
	else if (peer->heard_ms_ago >= PROBLEMS_SILENCE_MS)
		problems_add(problems, hint,
			     "peer %s not heard for %lld s: a failover breaks connections",
			     peer->name, (long long)peer->heard_ms_ago / 1000);
	else if (peer->state != SYNC_STATE_LIVE)
		problems_add(problems, "lbctl peers", "peer %s is not in sync yet", peer->name);
	else if (peer->unsynced_ms >= PROBLEMS_UNSYNCED_MS)
		problems_add(problems, hint,
			     "peer %s may lack changes of the last %lld s: a failover breaks "
			     "connections",
			     peer->name, (long long)peer->unsynced_ms / 1000);
	else if (peer->held.divergences > peer->held.repairs && peer->held.differing > 0)
		problems_add(problems, hint,
			     "peer %s holds another table than we in %u of 4096 regions: a "
			     "failover breaks connections",
			     peer->name, peer->held.differing);
}

static void problems_peers(const struct lbd *lbd, json_t *problems)
{
	struct sync_peer_status *peers = NULL;
	uint32_t count = 0;

	if (api_peers_fault(lbd) && !lbd->migration)
		problems_add(problems, "journalctl -u lbd; lbctl reload", "%s",
			     api_peers_fault(lbd));
	if (!lbd->sync)
		return;
	if (lbd->config->cluster.security == CONFIG_SECURITY_PLAINTEXT)
		problems_add(problems, "lbctl keygen",
			     "what peers tell each other isn't encrypted: cluster.security is "
			     "plaintext");
	if (sync_peers(lbd->sync, &peers, &count))
		problems_add(problems, "journalctl -u lbd", "the sync thread doesn't answer");
	for (uint32_t i = 0; i < count; i++) {
		problems_keys(&peers[i], problems);
		problems_peer(&peers[i], problems);
	}
	free(peers);
}

static void problems_xdp(const struct lbd *lbd, json_t *problems)
{
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++) {
		const struct dataplane_attachment *at = &lbd->attachments[i];

		if (at->mode == CONFIG_XDP_GENERIC)
			problems_add(problems, "ethtool -i INTERFACE", "XDP on %s is generic: %s",
				     at->interface, at->reason);
	}
}

static void problems_pins(const struct lbd *lbd, json_t *problems)
{
	struct api_pins_fault fault;

	if (!api_pins_fault(lbd, &fault))
		return;
	if (fault.others)
		problems_add(problems, fault.hint, "pinned and not in use, as %u others: %s",
			     fault.others, fault.what);
	else
		problems_add(problems, fault.hint, "pinned and not in use: %s", fault.what);
}

static void (*const problems_checks[])(const struct lbd *, json_t *) = {
	problems_generation, problems_config, problems_role, problems_services,
	problems_nexthops,   problems_peers,  problems_xdp,  problems_pins,
};

json_t *api_problems_json(const struct lbd *lbd)
{
	json_t *problems = json_array();

	for (size_t i = 0; i < sizeof(problems_checks) / sizeof(*problems_checks); i++)
		problems_checks[i](lbd, problems);
	return problems;
}
