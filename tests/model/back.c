// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/back.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "tests/model/kernel.h"
#include "tests/model/send.h"
#include "tests/model/translate.h"

/* The flow that goes out from where the packet went to. NULL: none. */
static struct flow *back_find(const struct step *step, uint16_t sport, uint16_t dport,
			      uint8_t protocol)
{
	const struct reference *reference = step->reference;
	const struct way way = {
		.backend = step->ret->view.client,
		.nat = step->ret->view.vip,
		.backend_port = sport,
		.nat_port = dport,
		.protocol = protocol,
	};
	const struct flow_key *owner = ways_find(reference->ways, &way);
	struct flow *flow = owner ? flows_find(&reference->flows, owner) : NULL;

	return flow && ways_leads(reference->world, flow, &way) ? flow : NULL;
}

/* Is it one of NAT's ports? The others are the node's own. */
static bool back_is_port(const struct step *step, uint16_t port)
{
	const struct lbd_nat *nat = &step->reference->world->model->nat;

	return port >= nat->first_port && port - nat->first_port < nat->ports;
}

/* A backend's word closes a connection; only a client's confirms it. */
static void back_touch(const struct step *step, struct flow *flow)
{
	const struct view *view = &step->ret->view;
	const struct flow before = *flow;

	if (view->protocol == IPPROTO_TCP) {
		flow->closing |= (view->flags & (VIEW_FIN | VIEW_RST)) != 0;
		flow->confirmed &= !(view->flags & VIEW_RST);
	}
	flow->seen = step->reference->now;
	step->ret->touched = true;
	step->ret->changed = flow->closing != before.closing || flow->confirmed != before.confirmed;
}

/* A tagged frame stays on its VLAN, and so on its interface. */
static void back_send(const struct step *step, const struct kernel_hop *hop, uint32_t ifindex)
{
	const bool tagged = step->ret->view.l3 != ETH_HLEN;

	step->ret->outcome = LBD_OUTCOME_FORWARD_RETURN;
	step->ret->verdict = tagged || hop->ifindex == ifindex ? XDP_TX : XDP_REDIRECT;
	translate_macs(&step->ret->frame, hop->dmac, hop->smac);
}

/* What the client sees: the VIP. */
static struct translate_ends back_ends(const struct step *step, const struct flow *flow)
{
	const struct service *service = &step->reference->world->model->services[flow->key.service];

	return (struct translate_ends){ service->vip, flow->key.client, flow->key.vip_port,
					flow->key.client_port };
}

/* Of the error the receiver is he who sent what it quotes. */
static void back_error(const struct step *step, const struct flow *flow)
{
	const struct view *view = &step->ret->view;
	const struct translate_ends seen = back_ends(step, flow);
	const struct translate_ends quoted = { seen.dest, seen.source, seen.dport, seen.sport };
	const struct translate_ends outer = {
		.source = lbd_addr_equal(&view->sender, &view->client) ? seen.source : view->sender,
		.dest = seen.dest,
	};

	translate_error(step->frame, view, &outer, &quoted, &step->ret->frame);
}

static void back_translate(const struct step *step, const struct flow *flow)
{
	const struct translate_ends ends = back_ends(step, flow);

	if (step->ret->view.error)
		back_error(step, flow);
	else
		translate_packet(step->frame, &step->ret->view, &ends, &step->ret->frame);
}

/* To the client of @flow; first fragments are remembered once there is a way to it. */
static void back_deliver(struct step *step, const struct flow *flow, uint32_t ifindex)
{
	const struct view *view = &step->ret->view;
	struct kernel_hop hop = { 0 };
	const int problem = kernel_route(&flow->key.client, view->length, &hop);

	if (problem == LBD_OUTCOME_DROP_TOO_BIG) {
		send_too_big(step, hop.mtu);
		return;
	}
	if (problem != VIEW_WHOLE) {
		send_leave(step, problem);
		return;
	}
	if (view->more && !view->error && !view->fragment)
		pieces_remember_answer(step->reference->pieces, view);
	if (translate_dies(step->frame, view)) {
		send_leave(step, LBD_OUTCOME_DROP_TTL);
		return;
	}
	back_translate(step, flow);
	back_send(step, &hop, ifindex);
}

void back_packet(struct step *step, uint32_t ifindex)
{
	const struct view *view = &step->ret->view;
	struct flow *flow = back_find(step, view->client_port, view->vip_port, view->protocol);

	if (!back_is_port(step, view->vip_port)) {
		send_leave(step, LBD_OUTCOME_PASS_NO_SERVICE);
		return;
	}
	if (!flow) {
		send_leave(step, view->error ? LBD_OUTCOME_DROP_ICMP_UNKNOWN
					     : LBD_OUTCOME_DROP_NAT_UNKNOWN);
		return;
	}
	step->ret->has_flow = true;
	step->ret->key = flow->key;
	if (!view->error)
		back_touch(step, flow);
	back_deliver(step, flow, ifindex);
}

void back_piece(struct step *step, uint32_t ifindex, uint16_t sport, uint16_t dport,
		uint8_t protocol)
{
	const struct flow *flow = back_find(step, sport, dport, protocol);

	if (!flow)
		send_leave(step, LBD_OUTCOME_DROP_NAT_UNKNOWN);
	else
		back_deliver(step, flow, ifindex);
}
