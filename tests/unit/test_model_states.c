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

static void features_are_those_that_the_services_need(void **state)
{
	static const struct {
		const char *services;
		uint32_t expected;
	} cases[] = {
		{ WEB A END, LBD_FEATURE_VLAN | LBD_FEATURE_IPV4 | LBD_FEATURE_DSR },
		{ "  - {name: x, vip: \"2001:db8::80\", port: any, forward: ipip, health: {check: "
		  "none}, backends: [" A END,
		  LBD_FEATURE_VLAN | LBD_FEATURE_IPV6 | LBD_FEATURE_EXTENSIONS | LBD_FEATURE_IPIP |
			  LBD_FEATURE_ANY_PORT },
	};
	const uint32_t interfaces[] = { 2, 3 }, elsewhere = 9;
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		model_free(lab->model);
		lab->model = NULL;
		lab_apply(lab, cases[i].services);
		lab_resolve_all(lab);
		assert_int_equal(model_features(lab->model, interfaces, 1), cases[i].expected);
		assert_int_equal(model_features(lab->model, interfaces, 2),
				 cases[i].expected | LBD_FEATURE_REDIRECT);
		assert_int_equal(model_features(lab->model, &elsewhere, 1),
				 cases[i].expected | LBD_FEATURE_REDIRECT);
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
	assert_int_equal(model_features(lab->model, NULL, 0), LBD_FEATURE_VLAN | LBD_FEATURE_IPV6 |
								      LBD_FEATURE_EXTENSIONS |
								      LBD_FEATURE_IPIP);
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
		LAB(features_are_those_that_the_services_need),
		LAB(what_is_gone_needs_no_features),
	};

	return cmocka_run_group_tests_name("model states", tests, NULL, NULL);
}
