// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/craft.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "tests/model/mutate.h"

#define MF 0x2000
#define DF 0x4000

/* --- addresses and ports */

static struct lbd_addr craft_text4(const char *text)
{
	struct in_addr addr;

	inet_pton(AF_INET, text, &addr);
	return frame_addr4((const uint8_t *)&addr);
}

static struct lbd_addr craft_text6(const char *text)
{
	struct lbd_addr addr;

	inet_pton(AF_INET6, text, addr.bytes);
	return addr;
}

/* Sources that no client has, and some that look like them. */
static struct lbd_addr craft_odd(struct craft *craft, bool v6)
{
	static const char *const odd4[] = { "0.0.0.0",	       "0.1.2.3",	"127.0.0.1",
					    "224.0.0.1",       "239.255.255.9", "240.0.0.1",
					    "255.255.255.255", "192.0.2.1",	"192.0.2.3",
					    "169.254.1.1",     "10.0.0.1",	"223.255.255.255" };
	static const char *const odd6[] = { "::",
					    "::1",
					    "ff02::1",
					    "ff0e::101",
					    "fe80::1",
					    "::ffff:198.51.100.7",
					    "::ffff:0:0",
					    "::198.51.100.7",
					    "2001:db8:1::1",
					    "64:ff9b::1",
					    "fc00::1",
					    "feff::1" };

	return v6 ? craft_text6(RANDOM_OF(craft->random, odd6))
		  : craft_text4(RANDOM_OF(craft->random, odd4));
}

static struct lbd_addr craft_client(struct craft *craft, bool v6)
{
	struct lbd_addr addr = v6 ? craft_text6("2001:db8:c::") : craft_text4("198.51.100.0");

	if (random_chance(craft->random, 3))
		return craft_odd(craft, v6);
	addr.bytes[15] = (uint8_t)random_below(craft->random, 8);
	if (v6 && random_chance(craft->random, 20))
		addr.bytes[7] = (uint8_t)random_next(craft->random);
	return addr;
}

static const struct service *craft_service(struct craft *craft)
{
	const struct service *service;

	do
		service = &craft->model->services[random_below(craft->random,
							       craft->model->limits.services)];
	while (!service->id);
	return service;
}

struct craft_flow craft_flow(struct craft *craft)
{
	static const uint16_t near[] = { 22, 53, 80, 81, 0, 65535, 443, 4789, 6081 };
	const struct service *service = craft_service(craft);
	struct craft_flow flow = {
		.client = craft_client(craft, !lbd_addr_is4(&service->vip)),
		.vip = service->vip,
		.protocol = service->protocol,
		.sport = (uint16_t)(40000 + random_below(craft->random, 12)),
		.dport = service->port,
	};

	if (!service->port || random_chance(craft->random, 4))
		flow.dport = RANDOM_OF(craft->random, near);
	if (random_chance(craft->random, 4))
		flow.protocol ^= IPPROTO_TCP ^ IPPROTO_UDP;
	if (random_chance(craft->random, 2))
		flow.vip.bytes[15] ^= (uint8_t)(1 << random_below(craft->random, 3));
	if (random_chance(craft->random, 2))
		flow.sport = (uint16_t)random_next(craft->random);
	return flow;
}

void craft_begin(struct craft *craft, struct random *random, const struct model *model)
{
	*craft = (struct craft){ .random = random, .model = model };
	craft->strangers = random_chance(random, 50) ? 2 : 15;
	for (uint32_t i = 0; i < CRAFT_FLOWS; i++)
		craft->flows[i] = craft_flow(craft);
}

/* --- a packet of a flow */

static uint8_t craft_flags(struct craft *craft)
{
	static const uint8_t usual[] = { 0x10, 0x10, 0x10, 0x10, 0x18, 0x18, 0x18, 0x02, 0x02,
					 0xc2, 0x11, 0x11, 0x04, 0x14, 0x12, 0x19, 0x50, 0x42 };

	return random_chance(craft->random, 6) ? (uint8_t)random_next(craft->random)
					       : RANDOM_OF(craft->random, usual);
}

static uint32_t craft_size(struct craft *craft)
{
	switch (random_below(craft->random, 10)) {
	case 0: /* about what fits with a tunnel, or just not */
		return random_between(craft->random, 1360, 1480);
	case 1:
		return random_between(craft->random, 0, 1800);
	case 2:
	case 3:
		return 0;
	default:
		return random_below(craft->random, 64);
	}
}

static void craft_macs(struct craft *craft, struct composition *plan)
{
	static const uint8_t others[][6] = {
		{ 0x02, 0, 0, 0, 0xaa, 0x77 }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0x01, 0, 0x5e, 0, 0, 0x12 }, { 0, 0, 0x5e, 0, 1, 0x33 },
		{ 0, 0, 0x5e, 0, 2, 0x33 },    { 0, 0, 0x5e, 0, 3, 0x33 },
		{ 0x33, 0x33, 0, 0, 0, 1 },
	};
	static const uint8_t router[6] = { 0x02, 0, 0, 0, 0xcc, 0x01 };
	const uint8_t *own = (const uint8_t *)&craft->model
				     ->macs[random_below(craft->random, craft->model->macs_count)];

	memcpy(plan->dmac, random_chance(craft->random, 6) ? RANDOM_OF(craft->random, others) : own,
	       6);
	memcpy(plan->smac, router, 6);
}

static void craft_tags(struct craft *craft, struct composition *plan)
{
	static const uint16_t types[] = { 0x8100, 0x8100, 0x8100, 0x88a8, 0x9100 };

	if (!random_chance(craft->random, 8))
		return;
	plan->tags_count = random_between(craft->random, 1, COMPOSE_TAGS_MAX);
	for (uint32_t i = 0; i < plan->tags_count; i++)
		plan->tags[i] = (struct compose_tag){
			.type = RANDOM_OF(craft->random, types),
			.tci = (uint16_t)random_next(craft->random),
		};
}

static void craft_extensions(struct craft *craft, struct composition *plan)
{
	static const uint8_t types[] = { 0, 43, 60, 60, 51, 135, 139, 140, 44, 59, 253 };

	if (!random_chance(craft->random, 12))
		return;
	plan->extensions_count = random_between(craft->random, 1, COMPOSE_EXTENSIONS_MAX);
	if (random_chance(craft->random, 60))
		plan->extensions_count = 1 + plan->extensions_count % 2;
	for (uint32_t i = 0; i < plan->extensions_count; i++) {
		struct compose_extension *extension = &plan->extensions[i];

		extension->type =
			i || random_chance(craft->random, 50) ? RANDOM_OF(craft->random, types) : 0;
		extension->words =
			extension->type == IPPROTO_FRAGMENT || random_chance(craft->random, 70)
				? 1
				: (uint8_t)random_between(craft->random, 1, 9);
	}
}

static void craft_fragment(struct craft *craft, struct composition *plan)
{
	static const uint16_t offsets[] = { 0, 0, 0, 1, 3, 8, 16, 180 };
	const uint16_t offset = RANDOM_OF(craft->random, offsets);
	const bool more = random_chance(craft->random, 60);

	if (plan->v6 && !plan->extensions_count && random_chance(craft->random, 5)) {
		plan->extensions[0] = (struct compose_extension){ IPPROTO_FRAGMENT, 1 };
		plan->extensions_count = 1;
	}
	if (plan->v6)
		plan->fragment = (uint16_t)(offset << 3 | more);
	else if (random_chance(craft->random, 5))
		plan->fragment = (uint16_t)(offset | (more ? MF : 0));
	else if (random_chance(craft->random, 60))
		plan->fragment = DF;
}

static void craft_ip(struct craft *craft, struct composition *plan)
{
	plan->traffic = random_chance(craft->random, 50) ? 0 : (uint8_t)random_next(craft->random);
	plan->ttl = random_chance(craft->random, 80) ? 64 : (uint8_t)random_next(craft->random);
	plan->flow_label = (uint32_t)random_next(craft->random);
	plan->id = (uint16_t)random_below(craft->random, 4);
	plan->pad = random_chance(craft->random, 50);
	if (plan->v6)
		craft_extensions(craft, plan);
	else if (random_chance(craft->random, 8))
		plan->options_words = (uint8_t)random_between(craft->random, 1, 10);
	craft_fragment(craft, plan);
}

static const struct backend *craft_named(struct craft *craft)
{
	const struct backend *backend = NULL;

	for (uint32_t tries = 0; tries < 64; tries++) {
		backend = &craft->model->backends[random_below(craft->random,
							       craft->model->limits.backends)];
		if (backend->server_ids_count)
			break;
	}
	return backend;
}

/* A QUIC packet, most often with a connection id that names one of the backends. */
static void craft_quic(struct craft *craft, uint8_t *load)
{
	const struct backend *backend = craft_named(craft);
	const struct config_server_id *id =
		&backend->server_ids[random_below(craft->random, backend->server_ids_count + 1) %
				     CONFIG_SERVER_IDS_MAX];
	const bool is_long = random_chance(craft->random, 50);
	uint8_t *cid = load + (is_long ? 6 : 1);

	load[0] = (uint8_t)(load[0] & 0x7f) | (is_long ? 0x80 : 0);
	if (is_long)
		load[5] = (uint8_t)random_between(craft->random, 5, 22);
	cid[0] = (uint8_t)(random_below(craft->random, 4) << 5 | (cid[0] & 0x1f));
	memcpy(cid + 1, id->octets, id->length);
}

static bool craft_has_nat(const struct craft *craft)
{
	return craft->model->nat.count[0] || craft->model->nat.count[1];
}

/* From a backend to a NAT port, which some flow may go out from. */
static struct craft_flow craft_answer(struct craft *craft)
{
	const struct lbd_nat *nat = &craft->model->nat;
	const struct service *service = craft_service(craft);
	const struct backend *backend = model_next_backend(craft->model, service->id, NULL);
	const bool v6 = !lbd_addr_is4(&service->vip);
	struct craft_flow flow = { .protocol = service->protocol };

	while (random_chance(craft->random, 50) &&
	       model_next_backend(craft->model, service->id, backend))
		backend = model_next_backend(craft->model, service->id, backend);
	flow.client = backend->addr;
	flow.sport = backend->port ? backend->port : service->port;
	flow.vip = nat->addrs[v6][random_below(craft->random, nat->count[v6])];
	flow.dport = (uint16_t)(nat->first_port + random_below(craft->random, nat->ports + 1));
	if (random_chance(craft->random, 3))
		flow.client = craft_client(craft, v6);
	if (random_chance(craft->random, 3))
		flow.protocol ^= IPPROTO_TCP ^ IPPROTO_UDP;
	return flow;
}

static struct craft_flow craft_some_flow(struct craft *craft)
{
	if (craft_has_nat(craft) && random_chance(craft->random, 40))
		return craft_answer(craft);
	return random_chance(craft->random, craft->strangers)
		       ? craft_flow(craft)
		       : craft->flows[random_below(craft->random, CRAFT_FLOWS)];
}

static void craft_plan(struct craft *craft, struct composition *plan)
{
	static uint8_t load[FRAME_MAX];
	const struct craft_flow flow = craft_some_flow(craft);

	for (uint32_t i = 0; i < 64; i++)
		load[i] = (uint8_t)random_next(craft->random);
	if (flow.protocol == IPPROTO_UDP && random_chance(craft->random, 60))
		craft_quic(craft, load);
	*plan = (struct composition){
		.source = flow.client,
		.dest = flow.vip,
		.v6 = !lbd_addr_is4(&flow.vip),
		.protocol = flow.protocol,
		.sport = flow.sport,
		.dport = flow.dport,
		.flags = craft_flags(craft),
		.load = load,
		.options = load,
		.load_size = craft_size(craft),
		.no_checksum = random_chance(craft->random, 10),
	};
	craft_macs(craft, plan);
	craft_tags(craft, plan);
	craft_ip(craft, plan);
	if (random_chance(craft->random, 10))
		plan->tcp_words = (uint8_t)random_between(craft->random, 1, 10);
}

/* --- everything else */

static void craft_icmp(struct craft *craft, struct frame *ret)
{
	static const uint8_t types4[] = { 8, 8, 0, 3, 3, 3, 11, 12, 4, 5, 13 };
	static const uint8_t types6[] = { 128, 128, 129, 1, 2, 2, 3, 4, 135, 136, 134 };
	struct composition plan;

	craft_plan(craft, &plan);
	plan.protocol = plan.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	plan.icmp_type =
		plan.v6 ? RANDOM_OF(craft->random, types6) : RANDOM_OF(craft->random, types4);
	plan.icmp_code = (uint8_t)random_below(craft->random, 6);
	plan.icmp_rest = random_between(craft->random, 0, 1600);
	compose_frame(&plan, ret);
}

/* What a backend sent to a client, without link header. Returns its size. */
static uint32_t craft_quote(struct craft *craft, const struct composition *plan, uint8_t *ret)
{
	struct composition back = *plan;
	struct frame frame;
	uint32_t size;

	back.source = plan->dest;
	back.dest = plan->source;
	back.sport = plan->dport;
	back.dport = plan->sport;
	back.tags_count = 0;
	back.pad = false;
	back.load_size = random_below(craft->random, 64);
	compose_frame(&back, &frame);
	size = frame.size - ETH_HLEN;
	if (random_chance(craft->random, 40))
		size = random_below(craft->random, size < 90 ? size : 90);
	memcpy(ret, &frame.bytes[ETH_HLEN], size);
	return size;
}

/* An ICMP error of a router, or of anybody, about a flow. */
static void craft_error(struct craft *craft, struct frame *ret)
{
	static const uint8_t types4[] = { 3, 3, 3, 4, 11, 12, 5 };
	static const uint8_t types6[] = { 1, 2, 2, 3, 4, 5 };
	uint8_t quote[FRAME_MAX];
	struct composition plan, about;

	craft_plan(craft, &about);
	craft_plan(craft, &plan);
	if (plan.v6 != about.v6 || random_chance(craft->random, 95)) {
		plan.v6 = about.v6;
		plan.source = craft_client(craft, about.v6);
		plan.dest = about.dest;
	}
	plan.load_size = craft_quote(craft, &about, quote);
	plan.load = quote;
	if (random_chance(craft->random, 70)) {
		plan.extensions_count = 0;
		plan.fragment = 0;
	}
	plan.protocol = plan.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	plan.icmp_type =
		plan.v6 ? RANDOM_OF(craft->random, types6) : RANDOM_OF(craft->random, types4);
	compose_frame(&plan, ret);
}

/* Other protocols above IP, and ethertypes that aren't IP. */
static void craft_other(struct craft *craft, struct frame *ret)
{
	static const uint8_t protocols[] = { 4, 41, 47, 50, 51, 112, 132, 136, 2, 89, 0, 255 };
	static const uint16_t types[] = { 0x0806, 0x8847, 0x88cc, 0x8863, 0x0000, 0x05dc, 0xffff };
	struct composition plan;

	craft_plan(craft, &plan);
	if (random_chance(craft->random, 50))
		plan.protocol = RANDOM_OF(craft->random, protocols);
	compose_frame(&plan, ret);
	if (random_chance(craft->random, 50))
		frame_set16(&ret->bytes[12], RANDOM_OF(craft->random, types));
}

static void craft_remember(struct craft *craft, const struct frame *frame)
{
	uint32_t place = craft->past_count < CRAFT_PAST ? craft->past_count++
							: random_below(craft->random, CRAFT_PAST);

	craft->past[place] = *frame;
}

static bool craft_is_first(const struct composition *plan)
{
	const bool header = plan->extensions_count && plan->extensions[0].type == IPPROTO_FRAGMENT;

	return plan->v6 ? header && plan->fragment == 1 : plan->fragment == MF;
}

/* A later fragment of the datagram whose first came last, mostly behind that. */
static void craft_later(struct craft *craft, struct frame *ret)
{
	struct composition plan = craft->first;
	const uint32_t words = plan.load_size / 8;
	const uint16_t offset = (uint16_t)random_between(craft->random, words / 2 + 1, words + 8);
	const bool more = random_chance(craft->random, 50);

	plan.fragment =
		plan.v6 ? (uint16_t)(offset << 3 | more) : (uint16_t)(offset | (more ? MF : 0));
	if (random_chance(craft->random, 80))
		plan.load_size = random_below(craft->random, 64);
	compose_frame(&plan, ret);
}

void craft_next(struct craft *craft, struct frame *ret)
{
	const uint32_t kind = random_below(craft->random, 100);
	struct composition plan;

	if (kind < 5 && craft->past_count) { /* again, or late */
		*ret = craft->past[random_below(craft->random, craft->past_count)];
	} else if (kind < 9) {
		craft_icmp(craft, ret);
	} else if (kind < 15) {
		craft_error(craft, ret);
	} else if (kind < 18) {
		craft_other(craft, ret);
	} else if (kind < 21 && craft_is_first(&craft->first)) {
		craft_later(craft, ret);
	} else {
		craft_plan(craft, &plan);
		compose_frame(&plan, ret);
		if (craft_is_first(&plan))
			craft->first = plan;
	}
	if (random_chance(craft->random, 35))
		mutate_frame(craft->random, ret, craft->past, craft->past_count);
	craft_remember(craft, ret);
}
