// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/reference.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/back.h"
#include "tests/model/guard.h"
#include "tests/model/notice.h"
#include "tests/model/route.h"
#include "tests/model/send.h"

#define MOST_CLIENTS 8192

/* A later fragment to a VIP. */
#define REFERENCE_PIECE (-3)

/* To a NAT address: an answer, or an error about what went out from there. */
#define REFERENCE_BACK (-4)

int reference_make(struct reference *reference, const struct world *world, uint32_t most_flows)
{
	const struct lbd_limits *limits = &world->model->limits;

	*reference = (struct reference){ .world = world };
	reference->services = calloc(limits->services, sizeof(*reference->services));
	reference->backends = calloc(limits->backends, sizeof(*reference->backends));
	reference->pieces = calloc(1, sizeof(*reference->pieces));
	reference->ways = calloc(1, sizeof(*reference->ways));
	reference->limits = calloc(1, sizeof(*reference->limits));
	if (!reference->services || !reference->backends || !reference->pieces ||
	    !reference->ways || !reference->limits)
		return -ENOMEM;
	return flows_make(&reference->flows, most_flows)
		       ?: flows_make(&reference->clients, MOST_CLIENTS);
}

void reference_free(struct reference *reference)
{
	flows_free(&reference->flows);
	free(reference->services);
	free(reference->backends);
	free(reference->pieces);
	free(reference->ways);
	free(reference->limits);
	flows_free(&reference->clients);
	*reference = (struct reference){ 0 };
}

void reference_clear(struct reference *reference)
{
	const struct lbd_limits *limits = &reference->world->model->limits;

	flows_clear(&reference->flows);
	flows_clear(&reference->clients);
	reference->pieces->count = 0;
	reference->ways->count = 0;
	reference->limits->count = 0;
	memset(reference->services, 0, limits->services * sizeof(*reference->services));
	memset(reference->backends, 0, limits->backends * sizeof(*reference->backends));
}

/* --- whose packet it is */

/* To a VIP, but not to get to a service. */
static int reference_refuse(const struct step *step, int outcome)
{
	const struct world *world = step->reference->world;

	if (!world_is_vip(world, &step->ret->view.vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	return world_is_mac(world, step->frame->bytes) ? outcome : LBD_OUTCOME_PASS_OTHER_HOST;
}

static int reference_service(struct step *step)
{
	const struct world *world = step->reference->world;
	const struct view *view = &step->ret->view;
	const struct service *service =
		world_service(world, &view->vip, view->vip_port, view->protocol);

	if (!service && !world_is_nat(world, &view->vip))
		return LBD_OUTCOME_PASS_NO_SERVICE;
	if (!world_is_mac(world, step->frame->bytes))
		return LBD_OUTCOME_PASS_OTHER_HOST;
	if (!service)
		return REFERENCE_BACK;
	step->ret->key = (struct flow_key){
		.client = view->client,
		.client_port = view->client_port,
		.vip_port = view->vip_port,
		.service = service->id,
	};
	return VIEW_WHOLE;
}

/* VIEW_WHOLE: of the flow in ret->key. NOTICE_PING: for us to answer. Else its outcome. */
static int reference_read(struct step *step)
{
	const struct world *world = step->reference->world;
	struct view *view = &step->ret->view;
	int outcome;

	view_read(step->frame, world->features & LBD_FEATURE_IPV4,
		  world->features & LBD_FEATURE_IPV6, view);
	if (notice_is(world, view)) {
		outcome = notice_read(world, step->frame, view);
		return outcome == VIEW_WHOLE ? reference_service(step) : outcome;
	}
	if (view->leaves != VIEW_WHOLE)
		return view->leaves;
	if (view->problem != VIEW_WHOLE)
		return reference_refuse(step, view->problem);
	if (view->fragment && !(world->features & LBD_FEATURE_FRAGMENTS))
		return reference_refuse(step, LBD_OUTCOME_DROP_FRAGMENT);
	if (view->fragment)
		return reference_refuse(step, REFERENCE_PIECE);
	return reference_service(step);
}

bool reference_key(struct reference *reference, const struct frame *frame, struct flow_key *ret)
{
	struct expectation expected = { 0 };
	struct step step = { .reference = reference, .frame = frame, .ret = &expected };

	if (reference_read(&step) != VIEW_WHOLE)
		return false;
	*ret = expected.key;
	return true;
}

/* --- what becomes of it */

static int reference_limits(const struct step *step, const struct service *service,
			    const struct lbd_addr *source)
{
	const struct limits_sender sender = { source, step->ret->view.v6 };
	struct limits *limits = step->reference->limits;
	const struct model *model = step->reference->world->model;
	int outcome = limits_check(limits, model, service, sender, LIMITS_PACKET);

	if (outcome == LIMITS_PASS && step->opens)
		outcome = limits_check(limits, model, service, sender, LIMITS_SYN);
	return outcome;
}

/* Errors come from anybody on the way: allow lists are about clients. */
static int reference_guard(const struct step *step)
{
	const struct config *config = step->reference->world->config;
	const struct service *own = step_own_service(step);
	const struct view *view = &step->ret->view;
	const struct lbd_addr *source = view->error ? &view->sender : &view->client;
	const int outcome = view->error ? guard_check_stranger(config, own, source, view->v6)
					: guard_check(config, own, source, view->v6);

	return outcome == GUARD_PASSES ? reference_limits(step, own, source) : outcome;
}

static void reference_flow(struct step *step, uint32_t ifindex)
{
	const struct view *view = &step->ret->view;
	int outcome;

	step->ret->has_flow = true;
	step->tcp = view->protocol == IPPROTO_TCP;
	step->opens = step->tcp && (view->flags & (VIEW_SYN | VIEW_ACK)) == VIEW_SYN;
	step->closes = step->tcp && view->flags & (VIEW_FIN | VIEW_RST);
	step->resets = step->tcp && view->flags & VIEW_RST;
	outcome = reference_guard(step);
	if (outcome == GUARD_PASSES)
		outcome = route_flow(step);
	step->attempt = step->flow ? step->flow->attempt : 0;
	if (step->backend && view->more && !view->error)
		pieces_remember(step->reference->pieces, view, &step->ret->key, step->backend,
				step->attempt);
	if (step->backend)
		send_packet(step, ifindex, outcome);
	else if (outcome == LBD_OUTCOME_ANSWER_RESET || outcome == LBD_OUTCOME_ANSWER_UNREACHABLE)
		send_tell(step, outcome);
	else
		send_leave(step, outcome);
}

/* Without its first, which alone shows whose it is. It may wait for that only if it may come at all. */
static int reference_early(const struct step *step)
{
	const int waits = step->reference->world->holds ? LBD_OUTCOME_HOLD_FRAGMENT
							: LBD_OUTCOME_DROP_FRAGMENT;
	const struct world *world = step->reference->world;
	const struct view *view = &step->ret->view;
	int outcome = world_source(world, view);

	if (view->piece.next != IPPROTO_TCP && view->piece.next != IPPROTO_UDP)
		return LBD_OUTCOME_PASS_NOT_L4;
	if (world_is_nat(world, &view->vip))
		return waits;
	if (outcome == VIEW_WHOLE)
		outcome = guard_check_stranger(world->config, NULL, &view->client, view->v6);
	return outcome == GUARD_PASSES ? waits : outcome;
}

/* Its first was a packet of the flow, and so is this. */
static void reference_follow(struct step *step, const struct datagram *datagram, uint32_t ifindex)
{
	const struct backend *backend = step_backend(step, datagram->backend);
	struct view *view = &step->ret->view;
	int refused;

	step->ret->key = datagram->key;
	refused = reference_guard(step);
	if (refused != GUARD_PASSES) {
		send_leave(step, refused);
		return;
	}
	if (backend->service != datagram->key.service ||
	    model_backend_state(backend) == LBD_BACKEND_GONE) {
		send_leave(step, LBD_OUTCOME_DROP_FRAGMENT);
		return;
	}
	step->backend = backend->index;
	step->attempt = datagram->attempt;
	view->client_port = datagram->key.client_port;
	view->vip_port = datagram->key.vip_port;
	send_packet(step, ifindex, LBD_OUTCOME_FORWARD_FRAGMENT);
}

/* A later fragment goes where its first went, unless it means to change what that showed. */
static void reference_piece(struct step *step, uint32_t ifindex)
{
	struct view *view = &step->ret->view;
	const struct datagram *datagram = pieces_find(step->reference->pieces, view);

	if (!view->piece.size)
		send_leave(step, LBD_OUTCOME_DROP_BAD_LENGTH);
	else if (!datagram)
		send_leave(step, reference_early(step));
	else if (view->piece.offset < datagram->size)
		send_leave(step, LBD_OUTCOME_DROP_FRAGMENT);
	else if (datagram->answer)
		back_piece(step, ifindex, datagram->key.client_port, datagram->key.vip_port,
			   datagram->flow_protocol);
	else
		reference_follow(step, datagram, ifindex);
}

static void reference_ping(const struct step *step)
{
	const int refused = reference_limits(step, NULL, &step->ret->view.client);

	if (refused != LIMITS_PASS)
		send_leave(step, refused);
	else if (notice_is_plain(&step->ret->view))
		send_ping(step);
	else
		send_leave(step, LBD_OUTCOME_PASS_NOT_L4);
}

void reference_packet(struct reference *reference, const struct frame *frame, uint32_t ifindex,
		      struct expectation *ret)
{
	struct step step = { .reference = reference, .frame = frame, .ret = ret };
	int outcome;

	*ret = (struct expectation){ 0 };
	reference->pieces->now = reference->now;
	reference->pieces->timeout = reference->world->model->fragment_ms / 1000;
	outcome = reference_read(&step);
	if (outcome == VIEW_WHOLE)
		reference_flow(&step, ifindex);
	else if (outcome == REFERENCE_BACK)
		back_packet(&step, ifindex);
	else if (outcome == REFERENCE_PIECE)
		reference_piece(&step, ifindex);
	else if (outcome == NOTICE_PING)
		reference_ping(&step);
	else
		send_leave(&step, outcome);
}
