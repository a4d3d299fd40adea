// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/reference.h"

#include <errno.h>
#include <linux/bpf.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/answer.h"
#include "tests/model/wrap.h"

int reference_make(struct reference *reference, const struct world *world, uint32_t most_flows)
{
	const struct lbd_limits *limits = &world->model->limits;

	*reference = (struct reference){ .world = world };
	reference->services = calloc(limits->services, sizeof(*reference->services));
	reference->backends = calloc(limits->backends, sizeof(*reference->backends));
	if (!reference->services || !reference->backends)
		return -ENOMEM;
	return flows_make(&reference->flows, most_flows);
}

void reference_free(struct reference *reference)
{
	flows_free(&reference->flows);
	free(reference->services);
	free(reference->backends);
	*reference = (struct reference){ 0 };
}

void reference_clear(struct reference *reference)
{
	const struct lbd_limits *limits = &reference->world->model->limits;

	flows_clear(&reference->flows);
	memset(reference->services, 0, limits->services * sizeof(*reference->services));
	memset(reference->backends, 0, limits->backends * sizeof(*reference->backends));
}

/* --- one packet */

/* The packet on its way, and what was found out about it. */
struct step {
	struct reference *reference;
	const struct frame *frame;
	struct expectation *ret;
	struct flow *flow; /* NULL: not in the table */
	uint16_t backend;
	bool opens;  /* SYN without ACK */
	bool closes; /* FIN or RST */
	bool tcp;
};

static const struct backend *step_backend(const struct step *step, uint16_t index)
{
	return &step->reference->world->model->backends[index];
}

/* Left to the kernel or dropped, by its outcome; as it came. */
static void step_leave(const struct step *step, int outcome)
{
	step->ret->outcome = outcome;
	step->ret->verdict = LBD_OUTCOME_DROPS >> outcome & 1 ? XDP_DROP : XDP_PASS;
	wrap_nothing(step->frame, &step->ret->frame);
}

static uint16_t step_pick(const struct step *step)
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

/* An entry is idle longer than the config lets it. */
static bool step_expired(const struct step *step)
{
	const struct lbd_timeouts *timeouts = &step->reference->world->model->timeouts_s;
	const struct flow *flow = step->flow;
	int64_t limit = flow->udp ? timeouts->udp : timeouts->tcp;

	if (flow->closing)
		limit = timeouts->closing;
	if (!flow->confirmed)
		limit = timeouts->unconfirmed;
	return step->reference->now - flow->seen > limit;
}

static void step_enter(struct step *step)
{
	step->flow = flows_add(&step->reference->flows, &step->ret->key);
	step->flow->backend = step->backend;
	step->flow->udp = !step->tcp;
	step->flow->seen = step->reference->now;
	step->ret->entered = true;
}

/* A flow that no entry knows: Maglev, and an entry unless it opens or closes. */
static int step_unknown(struct step *step)
{
	if (view_martian(&step->ret->view))
		return LBD_OUTCOME_DROP_MARTIAN;
	if (world_is_vip(step->reference->world, &step->ret->key.client))
		return LBD_OUTCOME_DROP_VIP_SOURCE;
	step->backend = step_pick(step);
	if (!step->backend)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	if (step->opens)
		return LBD_OUTCOME_FORWARD_FIRST;
	if (step->closes)
		return LBD_OUTCOME_FORWARD_UNTRACKED;
	step_enter(step);
	return LBD_OUTCOME_FORWARD_NEW;
}

/* Its backend takes the flow no longer: Maglev again. A SYN begins anew. */
static int step_repick(struct step *step)
{
	const uint16_t backend = step_pick(step);
	const struct flow before = *step->flow;

	step->backend = backend;
	if (!backend)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	step->flow->backend = backend;
	step->flow->confirmed = before.confirmed && !step->opens;
	step->flow->closing = !step->opens && (before.closing || step->closes);
	step->flow->udp = !step->tcp;
	step->flow->seen = step->reference->now;
	step->ret->changed = before.backend != backend || before.closing != step->flow->closing ||
			     before.confirmed != step->flow->confirmed;
	step->ret->touched = true;
	return step->opens ? LBD_OUTCOME_FORWARD_FIRST : LBD_OUTCOME_FORWARD_REPICKED;
}

/* May its backend go on with the flow? */
static bool step_keeps(const struct step *step, const struct backend *backend)
{
	if (backend->service != step->ret->key.service)
		return false;
	switch (model_backend_state(backend)) {
	case LBD_BACKEND_UP:
	case LBD_BACKEND_DRAINING:
		return true;
	case LBD_BACKEND_DOWN:
		return step->tcp;
	default:
		return false;
	}
}

/* May its backend begin with a new connection of an old flow's ports? */
static bool step_takes_again(const struct step *step, const struct backend *backend)
{
	return backend->service == step->ret->key.service &&
	       model_backend_state(backend) == LBD_BACKEND_UP && !step->flow->closing &&
	       !step_expired(step);
}

static int step_known(struct step *step)
{
	const struct backend *backend = step_backend(step, step->flow->backend);
	const struct flow before = *step->flow;

	if (step->opens && !step_takes_again(step, backend))
		return step_repick(step);
	if (!step->opens && !step_keeps(step, backend))
		return step_repick(step);
	step->backend = step->flow->backend;
	if (step->opens)
		return LBD_OUTCOME_FORWARD_FIRST;
	step->flow->confirmed = true;
	step->flow->closing |= step->closes;
	step->flow->seen = step->reference->now;
	step->ret->changed = !before.confirmed || before.closing != step->flow->closing;
	step->ret->touched = true;
	return LBD_OUTCOME_FORWARD_KNOWN;
}

/* Back to the client, out of the interface that it came from. */
static void step_answer(const struct step *step, int outcome, const struct answer_error *error)
{
	step->ret->outcome = outcome;
	step->ret->verdict = XDP_TX;
	answer_frame(step->frame, &step->ret->view, error, &step->ret->frame);
}

#define LEAST_MTU6 1280

/* It would fit if it had @room: said to the client, if the config says so and it helps. */
static void step_too_big(const struct step *step, uint32_t room)
{
	const struct view *view = &step->ret->view;
	const bool v6 = view->v6;
	const struct answer_error error = {
		.type = v6 ? ICMP6_PACKET_TOO_BIG : ICMP_UNREACH,
		.code = v6 ? 0 : ICMP_UNREACH_NEEDFRAG,
		.rest = v6 && room < LEAST_MTU6 ? LEAST_MTU6 : room,
	};

	if (!(step->reference->world->features & LBD_FEATURE_TELL_MTU) || !answer_is_due(view) ||
	    (v6 && view->length <= LEAST_MTU6))
		step_leave(step, LBD_OUTCOME_DROP_TOO_BIG);
	else
		step_answer(step, LBD_OUTCOME_ANSWER_TOO_BIG, &error);
}

static void step_count(const struct step *step, const struct wrap *wrap)
{
	struct lbd_traffic *traffic[] = { &step->reference->services[wrap->service->id],
					  &step->reference->backends[wrap->backend->index] };

	for (int i = 0; i < 2; i++) {
		traffic[i]->packets++;
		traffic[i]->bytes += wrap->view->length;
	}
}

/* Hand it to the backend, unless nothing can be handed to it. */
static void step_send(struct step *step, uint32_t ifindex, int outcome)
{
	const struct model *model = step->reference->world->model;
	const struct wrap wrap = {
		.frame = step->frame,
		.view = &step->ret->view,
		.model = model,
		.service = &model->services[step->ret->key.service],
		.backend = step_backend(step, step->backend),
	};
	const struct nexthop *nexthop = &wrap.backend->nexthop;

	if (!nexthop->resolved) {
		step_leave(step, LBD_OUTCOME_DROP_UNRESOLVED);
		return;
	}
	if (wrap.view->length > wrap_room(&wrap)) {
		step_too_big(step, wrap_room(&wrap));
		return;
	}
	step_count(step, &wrap);
	step->ret->backend = wrap.backend;
	step->ret->tunnelled = wrap.service->forward != LBD_FORWARD_DSR;
	step->ret->outcome = outcome;
	step->ret->verdict = nexthop->ifindex == ifindex ? XDP_TX : XDP_REDIRECT;
	wrap_for(&wrap, &step->ret->frame);
}

/* Which service the packet is for. VIEW_WHOLE: ret->key says which flow of it. */
static int step_service(const struct reference *reference, const struct frame *frame,
			const struct view *view, struct flow_key *ret)
{
	const struct world *world = reference->world;
	const struct service *service;
	int refused;

	if (view->leaves != VIEW_WHOLE)
		return view->leaves;
	refused = view->fragment && view->problem == VIEW_WHOLE ? LBD_OUTCOME_DROP_FRAGMENT
								: view->problem;
	if (refused != VIEW_WHOLE && !world_is_vip(world, &view->vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	if (refused != VIEW_WHOLE)
		return world_is_mac(world, frame->bytes) ? refused : LBD_OUTCOME_PASS_OTHER_HOST;
	service = world_service(world, &view->vip, view->vip_port, view->protocol);
	if (!service)
		return LBD_OUTCOME_PASS_NO_SERVICE;
	if (!world_is_mac(world, frame->bytes))
		return LBD_OUTCOME_PASS_OTHER_HOST;
	*ret = (struct flow_key){
		.client = view->client,
		.client_port = view->client_port,
		.vip_port = view->vip_port,
		.service = service->id,
	};
	return VIEW_WHOLE;
}

static void reference_view(const struct reference *reference, const struct frame *frame,
			   struct view *ret)
{
	view_read(frame, reference->world->features & LBD_FEATURE_IPV4,
		  reference->world->features & LBD_FEATURE_IPV6, ret);
}

bool reference_key(const struct reference *reference, const struct frame *frame,
		   struct flow_key *ret)
{
	struct view view;

	reference_view(reference, frame, &view);
	return step_service(reference, frame, &view, ret) == VIEW_WHOLE;
}

void reference_packet(struct reference *reference, const struct frame *frame, uint32_t ifindex,
		      struct expectation *ret)
{
	struct step step = { .reference = reference, .frame = frame, .ret = ret };
	int outcome;

	*ret = (struct expectation){ 0 };
	reference_view(reference, frame, &ret->view);
	outcome = step_service(reference, frame, &ret->view, &ret->key);
	if (outcome != VIEW_WHOLE) {
		step_leave(&step, outcome);
		return;
	}
	ret->has_flow = true;
	step.tcp = ret->view.protocol == IPPROTO_TCP;
	step.opens = step.tcp && (ret->view.flags & (VIEW_SYN | VIEW_ACK)) == VIEW_SYN;
	step.closes = step.tcp && ret->view.flags & (VIEW_FIN | VIEW_RST);
	step.flow = flows_find(&reference->flows, &ret->key);
	outcome = step.flow ? step_known(&step) : step_unknown(&step);
	if (step.backend)
		step_send(&step, ifindex, outcome);
	else
		step_leave(&step, outcome);
}
