// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/route.h"

#include <string.h>

#include "tests/model/quic.h"

/* What Maglev says. */
static uint16_t route_hash(const struct step *step)
{
	const struct view *view = &step->ret->view;
	const struct world_flow flow = {
		.client = view->client,
		.client_port = view->client_port,
		.vip_port = view->vip_port,
		.protocol = view->protocol,
	};

	return world_pick(step->reference->world, step->ret->key.service, &flow);
}

/* Would the backend that a client had be given new flows, where Maglev picked another? */
static bool route_sticks(const struct step *step, const struct flow *client, uint16_t picked)
{
	const struct backend *had = step_backend(step, client->backend);

	return step->reference->now - client->seen <= step_own_service(step)->sticky_s &&
	       had->service == step->ret->key.service && model_takes_flows(had) && had->weight &&
	       had->fallback == step_backend(step, picked)->fallback;
}

/*
 * A client goes on with the backend of its last connection. A SYN alone makes
 * nobody known, and an ICMP error, which anybody may send, changes nothing.
 */
static uint16_t route_stick(struct step *step, uint16_t picked)
{
	const struct flow_key key = {
		.client = world_client(step_own_service(step), &step->ret->view.client),
		.service = step->ret->key.service,
	};
	struct flow *client = flows_find(&step->reference->clients, &key);

	step->sticky = client && route_sticks(step, client, picked);
	if (step->sticky)
		picked = client->backend;
	if (step->ret->view.error)
		return picked;
	if (!client && !step->opens)
		client = flows_add(&step->reference->clients, &key);
	if (client) {
		client->backend = picked;
		client->seen = step->reference->now;
	}
	return picked;
}

static uint16_t route_pick(struct step *step)
{
	const uint16_t picked = route_hash(step);

	return picked && step_own_service(step)->sticky_s ? route_stick(step, picked) : picked;
}

/* An entry is idle longer than the config lets it. */
static bool route_expired(const struct reference *reference, const struct flow *flow)
{
	const struct lbd_timeouts *timeouts =
		&reference->world->model->services[flow->key.service].timeouts_s;
	int64_t limit = flow->udp ? timeouts->udp : timeouts->tcp;

	if (flow->closing)
		limit = timeouts->closing;
	if (!flow->confirmed)
		limit = timeouts->unconfirmed;
	return reference->now - flow->seen > limit;
}

/* --- by NAT: whoever opens or closes it, a flow needs an entry and a way back */

static bool route_translated(const struct step *step)
{
	return step_own_service(step)->forward == LBD_FORWARD_NAT;
}

/* Does @flow, that has the way, hold on to it? One that nobody confirmed gives it away. */
static bool route_holds(const struct reference *reference, struct flow *flow, const struct way *way)
{
	if (!ways_leads(reference->world, flow, way))
		return false;
	if (flow->confirmed && !route_expired(reference, flow))
		return true;
	flow->attempt = 0;
	return false;
}

bool route_claim_way(struct reference *reference, const struct way *way,
		     const struct flow_key *owner)
{
	const struct flow_key *had = ways_find(reference->ways, way);
	struct flow *other = had ? flows_find(&reference->flows, had) : NULL;

	if (other && memcmp(&other->key, owner, sizeof(*owner)) &&
	    route_holds(reference, other, way))
		return false;
	ways_take(reference->ways, way, owner);
	return true;
}

/* From the attempt that the flow had last, through all of them. */
static int route_way(struct step *step, int outcome)
{
	const struct backend *backend = step_backend(step, step->backend);
	uint8_t attempt = step->flow->attempt ?: 1;

	for (int tries = 0; tries < WAYS_ATTEMPTS; tries++) {
		const struct way way =
			ways_of(step->reference->world, &step->flow->key, backend, attempt);

		step->flow->attempt = attempt;
		if (route_claim_way(step->reference, &way, &step->flow->key))
			return outcome;
		attempt = (uint8_t)(attempt % WAYS_ATTEMPTS + 1);
	}
	step->flow->attempt = 0;
	step->backend = 0;
	return LBD_OUTCOME_DROP_NAT_PORTS;
}

/* --- entries */

static void route_enter(struct step *step)
{
	step->flow = flows_add(&step->reference->flows, &step->ret->key);
	step->flow->backend = step->backend;
	step->flow->udp = !step->tcp;
	step->flow->seen = step->reference->now;
	step->ret->entered = true;
}

/* A limit of new connections may keep a flow from getting an entry. */
static int route_new(struct step *step)
{
	const struct limits_sender sender = { &step->ret->view.client, step->ret->view.v6 };
	struct reference *reference = step->reference;
	const int refused = limits_check(reference->limits, reference->world->model,
					 step_own_service(step), sender, LIMITS_ENTRY);

	if (refused == LIMITS_PASS)
		route_enter(step);
	else
		step->backend = 0;
	return refused;
}

/* There is no backend to pick: dropped, or said to the client. */
static int route_nobody(const struct step *step)
{
	if (step_own_service(step)->down != LBD_DOWN_RESET || step->resets)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	return step->tcp ? LBD_OUTCOME_ANSWER_RESET : LBD_OUTCOME_ANSWER_UNREACHABLE;
}

/* A flow that no entry knows: a backend for it, and an entry unless it opens or closes. */
static int route_unknown(struct step *step)
{
	int refused;

	step->backend = route_pick(step);
	if (!step->backend)
		return route_nobody(step);
	if (route_translated(step)) {
		refused = route_new(step);
		if (refused != LIMITS_PASS)
			return refused;
		return step->sticky ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_NEW;
	}
	if (step->opens)
		return step->sticky ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_FIRST;
	if (step->closes)
		return LBD_OUTCOME_FORWARD_UNTRACKED;
	refused = route_new(step);
	if (refused != LIMITS_PASS)
		return refused;
	return step->sticky && !step->tcp ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_NEW;
}

/* What a FIN says of the connection, and an RST. */
static void route_close(const struct step *step)
{
	step->flow->closing |= step->closes;
	step->flow->confirmed &= !step->resets;
	step->flow->seen = step->reference->now;
}

/* Its backend takes the flow no longer: another one. A SYN begins anew. */
static int route_repick(struct step *step)
{
	step->backend = route_pick(step);
	if (!step->backend)
		return route_nobody(step);
	step->flow->backend = step->backend;
	step->flow->attempt = 0;
	step->flow->udp = !step->tcp;
	if (step->opens)
		step->flow->confirmed = step->flow->closing = false;
	route_close(step);
	if (!step->opens)
		return LBD_OUTCOME_FORWARD_REPICKED;
	return step->sticky ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_FIRST;
}

/* May its backend go on with the flow? */
static bool route_keeps(const struct step *step, const struct backend *backend)
{
	if (backend->service != step->ret->key.service)
		return false;
	switch (model_backend_state(backend)) {
	case LBD_BACKEND_UP:
	case LBD_BACKEND_DRAINING:
		return true;
	case LBD_BACKEND_DOWN:
		return step_own_service(step)->down == LBD_DOWN_KEEP ? step->tcp : step->resets;
	default:
		return false;
	}
}

/* A SYN on an entry: the connection lives, or its backend may begin with a new one. */
static bool route_takes_again(const struct step *step, const struct backend *backend)
{
	if (backend->service != step->ret->key.service || step->flow->closing ||
	    route_expired(step->reference, step->flow))
		return false;
	return model_backend_state(backend) == LBD_BACKEND_UP ||
	       (step->flow->confirmed && route_keeps(step, backend));
}

/* The backend is dead: the connection is over, and its client shall hear of it. */
static int route_end(struct step *step)
{
	if (!step->tcp) {
		route_repick(step);
		step->backend = 0;
		return LBD_OUTCOME_ANSWER_UNREACHABLE;
	}
	step->flow->closing = true;
	step->flow->confirmed = false;
	step->flow->seen = step->reference->now;
	return LBD_OUTCOME_ANSWER_RESET;
}

static int route_syn(struct step *step, const struct backend *backend)
{
	if (!route_takes_again(step, backend))
		return route_repick(step);
	step->backend = backend->index;
	return LBD_OUTCOME_FORWARD_FIRST;
}

static int route_known(struct step *step)
{
	const struct backend *backend = step_backend(step, step->flow->backend);

	if (step->opens)
		return route_syn(step, backend);
	if (!route_keeps(step, backend)) {
		if (backend->service == step->ret->key.service &&
		    model_backend_state(backend) == LBD_BACKEND_DOWN &&
		    step_own_service(step)->down == LBD_DOWN_RESET)
			return route_end(step);
		return route_repick(step);
	}
	step->backend = backend->index;
	step->flow->confirmed = true;
	route_close(step);
	return LBD_OUTCOME_FORWARD_KNOWN;
}

/*
 * An error goes to the backend that has the flow, or would get it; the table
 * stays as it is. By NAT only to one that has it: what it quotes must be known there.
 */
static int route_error(struct step *step)
{
	const bool keeps = step->flow && route_keeps(step, step_backend(step, step->flow->backend));

	if (route_translated(step)) {
		if (!keeps || !step->flow->attempt)
			return LBD_OUTCOME_DROP_ICMP_UNKNOWN;
		step->backend = step->flow->backend;
		return LBD_OUTCOME_FORWARD_ICMP;
	}
	if (keeps)
		step->backend = step->flow->backend;
	else
		step->backend = route_pick(step);
	return step->backend ? LBD_OUTCOME_FORWARD_ICMP : LBD_OUTCOME_DROP_NO_BACKEND;
}

/* What peers hear of: the entry says something else than it did. */
static void route_news(const struct step *step, const struct flow *before)
{
	const struct flow *now = step->flow;

	if (!before->used)
		return;
	step->ret->touched = now->seen != before->seen || !step->opens;
	step->ret->changed = now->backend != before->backend ||
			     now->confirmed != before->confirmed ||
			     now->closing != before->closing ||
			     (now->confirmed && now->attempt != before->attempt);
}

/* The packet itself names its backend: the table follows. */
static int route_named(struct step *step, const struct backend *named)
{
	step->backend = named->index;
	if (!step->flow) {
		int refused = route_new(step);

		if (refused != LIMITS_PASS)
			return refused;
	} else if (step->flow->backend == named->index) {
		step->flow->confirmed = true;
	} else {
		step->flow->backend = named->index;
		step->flow->closing = false;
	}
	step->flow->seen = step->reference->now;
	return LBD_OUTCOME_FORWARD_QUIC;
}

static int route_any(struct step *step)
{
	const struct backend *named =
		quic_backend(step->reference->world->model, step_own_service(step), step->frame,
			     &step->ret->view);
	const int problem =
		step->flow ? VIEW_WHOLE : world_source(step->reference->world, &step->ret->view);

	if (problem != VIEW_WHOLE)
		return problem;
	if (named)
		return route_named(step, named);
	return step->flow ? route_known(step) : route_unknown(step);
}

int route_flow(struct step *step)
{
	struct flow before = { 0 };
	int outcome;

	step->flow = flows_find(&step->reference->flows, &step->ret->key);
	if (step->flow)
		before = *step->flow;
	if (step->ret->view.error)
		return route_error(step);
	outcome = route_any(step);
	if (step->backend && route_translated(step))
		outcome = route_way(step, outcome);
	if (step->flow)
		route_news(step, &before);
	return outcome;
}
