// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from a model: health that carries over, what goes into a ring, features. */
#include "model_fixture.h"

#include <string.h>

/* --- health and next hops */

static void a_new_backend_starts_down_unless_nobody_checks_it(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END DNS C END);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_DOWN);
	assert_int_equal(model_backend_state(&lab->model->backends[2]), LBD_BACKEND_UP);
}

static void health_and_next_hop_outlive_a_reload(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A "," B END);
	lab_resolve_all(lab);
	lab->model->backends[1].healthy = lab->model->backends[1].checked = true;
	lab_apply(lab, WEB C "," B "," A END);
	assert_true(lab->model->backends[1].healthy);
	assert_true(lab->model->backends[1].checked);
	assert_true(lab->model->backends[1].nexthop.resolved);
	assert_int_equal(lab->model->backends[1].nexthop.mtu, 1500);
	assert_false(lab->model->backends[2].healthy);
	assert_false(lab->model->backends[3].nexthop.resolved);
}

static void health_stays_as_it_was_when_checks_begin(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, DNS A END);
	lab_apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, backends: [" A "," B END);
	assert_true(lab->model->backends[1].healthy);
	assert_false(lab->model->backends[2].healthy);
}

static void who_is_no_longer_checked_is_up(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, backends: [" A END);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_DOWN);
	lab_apply(lab, DNS A END);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_UP);
}

static void states_follow_from_what_is_known(void **state)
{
	static const struct {
		struct backend backend;
		enum lbd_backend_state expected;
	} cases[] = {
		{ { .index = 0, .healthy = true }, LBD_BACKEND_NONE },
		{ { .index = 1, .healthy = true }, LBD_BACKEND_UP },
		{ { .index = 1, .healthy = false }, LBD_BACKEND_DOWN },
		{ { .index = 1, .healthy = true, .drain = true }, LBD_BACKEND_DRAINING },
		{ { .index = 1, .healthy = false, .drain = true }, LBD_BACKEND_DOWN },
		{ { .index = 1, .healthy = true, .gone = true }, LBD_BACKEND_GONE },
		{ { .index = 1, .healthy = true, .weight = 0 }, LBD_BACKEND_UP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(model_backend_state(&cases[i].backend), cases[i].expected);
}

/* --- walking, rings, features */

static void a_services_backends_come_one_after_the_other(void **state)
{
	struct lab *lab = *state;
	struct backend *backend = NULL;
	int count = 0;

	lab_apply(lab, WEB A "," B END DNS C END);
	lab_apply(lab, WEB B END DNS C END);
	while ((backend = model_next_backend(lab->model, 1, backend))) {
		assert_int_equal(backend->service, 1);
		count++;
	}
	assert_int_equal(count, 2); /* the gone one, too */
}

static void a_ring_has_only_those_that_take_new_flows(void **state)
{
	struct lab *lab = *state;
	uint16_t ring[251];
	uint32_t places[BACKENDS] = { 0 };

	lab_apply(lab, DNS A "," B "," C
			     ", {address: 192.0.2.4, drain: true}, {address: 192.0.2.5, weight: 0},"
			     "{address: 192.0.2.6}, {address: 192.0.2.7}" END);
	lab_apply(lab, DNS A "," B "," C
			     ", {address: 192.0.2.4, drain: true}, {address: 192.0.2.5, weight: 0},"
			     "{address: 192.0.2.6}" END);
	lab_resolve_all(lab);
	lab->model->backends[2].healthy = false;
	lab->model->backends[6].nexthop.resolved = false;
	assert_int_equal(model_ring(lab->model, &lab->model->services[1], ring), 2);
	for (int i = 0; i < 251; i++)
		places[ring[i]]++;
	assert_int_equal(places[1] + places[3], 251);
	assert_in_range(places[1], 124, 127);
}

static void a_ring_of_nobody_is_empty(void **state)
{
	struct lab *lab = *state;
	uint16_t ring[251];

	lab_apply(lab, WEB A END);
	memset(ring, 0xff, sizeof(ring));
	assert_int_equal(model_ring(lab->model, &lab->model->services[1], ring), 0);
	for (int i = 0; i < 251; i++)
		assert_int_equal(ring[i], 0);
}

static uint32_t ring_owner(const struct lab *lab)
{
	uint16_t ring[251];
	int placed = model_ring(lab->model, &lab->model->services[1], ring);

	for (int i = 1; placed == 1 && i < 251; i++)
		assert_int_equal(ring[i], ring[0]);
	return placed == 1 ? ring[0] : 100U + (uint32_t)placed;
}

static void the_fallback_has_the_ring_while_nobody_else_takes_flows(void **state)
{
	struct lab *lab = *state;
	struct backend *a;

	lab_apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, health: {check: none},\n"
		       "     fallback: [" B "], backends: [" A END);
	lab_resolve_all(lab);
	a = &lab->model->backends[1];
	assert_true(lab->model->backends[2].fallback);
	assert_int_equal(ring_owner(lab), 1);
	a->drain = true;
	assert_int_equal(ring_owner(lab), 2);
	a->drain = false;
	a->healthy = false;
	assert_int_equal(ring_owner(lab), 2);
	a->healthy = true;
	a->nexthop.resolved = false;
	assert_int_equal(ring_owner(lab), 2);
	lab->model->backends[2].healthy = false;
	assert_int_equal(ring_owner(lab), 100);
}

static void a_backend_may_change_from_fallback_to_the_others_and_keeps_its_index(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, health: {check: none},\n"
		       "     fallback: [" B "], backends: [" A END);
	lab_apply(lab, DNS A "," B END);
	lab_resolve_all(lab);
	assert_false(lab->model->backends[2].fallback);
	assert_int_equal(ring_owner(lab), 102);
}

static void a_services_timeouts_stand_in_for_the_nodes(void **state)
{
	struct lab *lab = *state;
	const struct service *service;

	lab_apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, timeouts: {idle: 2h},\n"
		       "     backends: [" A END);
	service = &lab->model->services[1];
	assert_true(service->own_timeouts);
	assert_int_equal(service->timeouts_s.tcp, 7200);
	assert_int_equal(service->timeouts_s.udp, 7200);
	assert_int_equal(service->timeouts_s.closing, 21);
	assert_int_equal(service->timeouts_s.unconfirmed, 11);
}

#define ALWAYS \
	(LBD_FEATURE_VLAN | LBD_FEATURE_ECHO | LBD_FEATURE_ICMP_ERRORS | LBD_FEATURE_FRAGMENTS)
#define NEEDED6 (ALWAYS | LBD_FEATURE_IPV6 | LBD_FEATURE_EXTENSIONS)
#define TUNNEL4(mode) ALWAYS | LBD_FEATURE_IPV4 | LBD_FEATURE_##mode | LBD_FEATURE_TELL_MTU
#define FORWARD(how)                                                                  \
	"  - {name: x, vip: 192.0.2.80, port: 80, forward: " how ", health: {check: " \
	"none}, backends: ["

#define SELECTED(keys) FORWARD("dsr, " keys) A END
#define SELECTION(feature) (ALWAYS | LBD_FEATURE_IPV4 | LBD_FEATURE_DSR | LBD_FEATURE_##feature)

static void features_are_those_that_the_services_need(void **state)
{
	static const struct {
		const char *services;
		uint32_t expected;
	} cases[] = {
		{ WEB A END, ALWAYS | LBD_FEATURE_IPV4 | LBD_FEATURE_DSR },
		{ SELECTED("hash: source"), SELECTION(HASH) },
		{ SELECTED("sticky: 1m"), SELECTION(STICKY) | LBD_FEATURE_HASH },
		{ SELECTED("down: rehash"), SELECTION(DOWN) },
		{ SELECTED("down: reset"), SELECTION(DOWN) },
		{ SELECTED("down: keep, hash: 5-tuple"), SELECTION(VLAN) },
		{ SELECTED("timeouts: {closing: 1s}"), SELECTION(TIMEOUTS) },
		{ FORWARD("gue") A END, TUNNEL4(GUE) },
		{ FORWARD("gre") A END, TUNNEL4(GRE) },
		{ FORWARD("vxlan, vni: 7") A END, TUNNEL4(VXLAN) },
		{ FORWARD("geneve, vni: 7") A END, TUNNEL4(GENEVE) },
		{ "  - {name: x, vip: \"2001:db8::80\", port: any, forward: ipip, health: {check: "
		  "none}, backends: [" A END,
		  NEEDED6 | LBD_FEATURE_IPIP | LBD_FEATURE_TELL_MTU | LBD_FEATURE_ANY_PORT },
	};
	const uint32_t interfaces[] = { 2, 3 }, elsewhere = 9;
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		model_free(lab->model);
		lab->model = NULL;
		lab_apply(lab, cases[i].services);
		lab_resolve_all(lab);
		assert_int_equal(model_features(lab->model, interfaces, 1), cases[i].expected);
		/* Of two interfaces one may be too narrow for what came in by the other. */
		assert_int_equal(model_features(lab->model, interfaces, 2),
				 cases[i].expected | LBD_FEATURE_REDIRECT | LBD_FEATURE_TELL_MTU);
		assert_int_equal(model_features(lab->model, &elsewhere, 1),
				 cases[i].expected | LBD_FEATURE_REDIRECT | LBD_FEATURE_TELL_MTU);
	}
}

static void what_is_gone_needs_no_features(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END);
	lab->service_used[1] = lab->backend_used[1] = true;
	lab_apply(
		lab,
		"  - {name: x, vip: \"2001:db8::80\", port: 80, forward: ipip, backends: [" A END);
	assert_int_equal(model_features(lab->model, NULL, 0),
			 NEEDED6 | LBD_FEATURE_IPIP | LBD_FEATURE_TELL_MTU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(a_new_backend_starts_down_unless_nobody_checks_it),
		LAB(health_and_next_hop_outlive_a_reload),
		LAB(health_stays_as_it_was_when_checks_begin),
		LAB(who_is_no_longer_checked_is_up),
		LAB(states_follow_from_what_is_known),
		LAB(a_services_backends_come_one_after_the_other),
		LAB(a_ring_has_only_those_that_take_new_flows),
		LAB(a_ring_of_nobody_is_empty),
		LAB(the_fallback_has_the_ring_while_nobody_else_takes_flows),
		LAB(a_backend_may_change_from_fallback_to_the_others_and_keeps_its_index),
		LAB(a_services_timeouts_stand_in_for_the_nodes),
		LAB(features_are_those_that_the_services_need),
		LAB(what_is_gone_needs_no_features),
	};

	return cmocka_run_group_tests_name("model states", tests, NULL, NULL);
}
