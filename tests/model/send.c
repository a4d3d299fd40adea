// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/send.h"

#include <linux/bpf.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "tests/model/answer.h"
#include "tests/model/notice.h"
#include "tests/model/translate.h"
#include "tests/model/wrap.h"

/* Left to the kernel, to lbd or dropped, by its outcome; as it came. */
void send_leave(const struct step *step, int outcome)
{
	step->ret->outcome = outcome;
	step->ret->verdict = LBD_OUTCOME_DROPS >> outcome & 1 ? XDP_DROP : XDP_PASS;
	if (outcome == LBD_OUTCOME_HOLD_FRAGMENT)
		step->ret->verdict = XDP_REDIRECT;
	wrap_nothing(step->frame, &step->ret->frame);
}

/* Back to the client, out of the interface that it came from. */
static void send_answer(const struct step *step, int outcome, const struct answer_error *error)
{
	step->ret->outcome = outcome;
	step->ret->verdict = XDP_TX;
	answer_frame(step->frame, &step->ret->view, error, &step->ret->frame);
}

#define LEAST_MTU6 1280

void send_too_big(const struct step *step, uint32_t room)
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
		send_leave(step, LBD_OUTCOME_DROP_TOO_BIG);
	else
		send_answer(step, LBD_OUTCOME_ANSWER_TOO_BIG, &error);
}

static void send_count(const struct step *step, const struct wrap *wrap)
{
	struct lbd_traffic *traffic[] = { &step->reference->services[wrap->service->id],
					  &step->reference->backends[wrap->backend->index] };

	for (int i = 0; i < 2; i++) {
		traffic[i]->packets++;
		traffic[i]->bytes += wrap->view->length;
	}
}

/* What the backend sees: a NAT address. */
static struct translate_ends send_ends(const struct step *step, const struct wrap *wrap)
{
	const struct way way =
		ways_of(step->reference->world, &step->ret->key, wrap->backend, step->attempt);

	return (struct translate_ends){ way.nat, way.backend, way.nat_port, way.backend_port };
}

/* Of an error, what it quotes went the other way. */
static void send_translated(const struct step *step, const struct wrap *wrap)
{
	const struct translate_ends ends = send_ends(step, wrap);
	const struct translate_ends quoted = { ends.dest, ends.source, ends.dport, ends.sport };
	const struct view *view = wrap->view;
	const struct translate_ends outer = {
		.source = lbd_addr_equal(&view->sender, &view->client) ? ends.source : view->sender,
		.dest = ends.dest,
	};

	if (view->error)
		translate_error(wrap->frame, view, &outer, &quoted, &step->ret->frame);
	else
		translate_packet(wrap->frame, view, &ends, &step->ret->frame);
	translate_macs(&step->ret->frame, wrap->backend->nexthop.dmac, wrap->backend->nexthop.smac);
}

/* Hand it to the backend, unless nothing can be handed to it. */
void send_packet(struct step *step, uint32_t ifindex, int outcome)
{
	const struct model *model = step->reference->world->model;
	const struct wrap wrap = {
		.frame = step->frame,
		.view = &step->ret->view,
		.model = model,
		.service = &model->services[step->ret->key.service],
		.backend = step_backend(step, step->backend),
		.redirected = step_backend(step, step->backend)->nexthop.ifindex != ifindex,
	};
	const struct nexthop *nexthop = &wrap.backend->nexthop;
	const bool nat = wrap.service->forward == LBD_FORWARD_NAT;

	if (!nexthop->resolved) {
		send_leave(step, LBD_OUTCOME_DROP_UNRESOLVED);
		return;
	}
	if (wrap.view->length > wrap_room(&wrap)) {
		send_too_big(step, wrap_room(&wrap));
		return;
	}
	if (nat && translate_dies(step->frame, wrap.view)) {
		send_leave(step, LBD_OUTCOME_DROP_TTL);
		return;
	}
	send_count(step, &wrap);
	step->ret->backend = wrap.backend;
	step->ret->tunnelled = wrap.service->forward != LBD_FORWARD_DSR && !nat;
	step->ret->outcome = outcome;
	step->ret->verdict = nexthop->ifindex == ifindex ? XDP_TX : XDP_REDIRECT;
	if (nat)
		send_translated(step, &wrap);
	else
		wrap_for(&wrap, &step->ret->frame);
}

/* Said to the client, unless nothing may be said to it. */
void send_tell(const struct step *step, int outcome)
{
	const struct view *view = &step->ret->view;
	const struct answer_error unreachable = {
		.type = view->v6 ? ICMP6_DST_UNREACH : ICMP_UNREACH,
		.code = view->v6 ? ICMP6_DST_UNREACH_NOPORT : ICMP_UNREACH_PORT,
	};

	if (!answer_is_due(view) || (step->tcp && !answer_reset_fits(view))) {
		send_leave(step, LBD_OUTCOME_DROP_NO_BACKEND);
	} else if (step->tcp) {
		step->ret->outcome = outcome;
		step->ret->verdict = XDP_TX;
		answer_reset(step->frame, view, &step->ret->frame);
	} else {
		send_answer(step, outcome, &unreachable);
	}
}

void send_ping(const struct step *step)
{
	step->ret->outcome = LBD_OUTCOME_ANSWER_ECHO;
	step->ret->verdict = XDP_TX;
	notice_pong(step->frame, &step->ret->view, &step->ret->frame);
}
