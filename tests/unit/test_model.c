// SPDX-License-Identifier: GPL-2.0-or-later
/* From config to model: ids that last, health that carries over, what goes into a ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>

#include "model/model.h"

#define SERVICES 8
#define BACKENDS 16

/* A model after each config, the newest last. */
struct lab {
	struct model *model;
	bool service_used[SERVICES], backend_used[BACKENDS];
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct lab));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	model_free(lab->model);
	free(lab);
	return 0;
}

static struct config *config_of(const char *services)
{
	struct config *config = NULL;
	struct error err = { 0 };
	char text[4096];

	snprintf(text, sizeof(text),
		 "xdp: {interfaces: [eth0]}\n"
		 "limits: {services: %d, backends: %d, maglev: 251, connections-ipv4: 1024,\n"
		 "  connections-ipv6: 2048}\n"
		 "timeouts: {tcp: 5m, udp: 31s, closing: 21s, unconfirmed: 11s}\n"
		 "services:\n%s",
		 SERVICES, BACKENDS, services);
	config_parse(text, strlen(text), "t.yaml", &config, &err);
	assert_string_equal(err.text, "");
	return config;
}

static int apply_marked(struct lab *lab, const char *services, const bool *service_used,
			const bool *backend_used, struct error *err)
{
	struct config *config = config_of(services);
	struct model *next = NULL;
	int rc = model_build(config, lab->model, service_used, backend_used, &next, err);

	config_free(config);
	if (rc)
		return rc;
	model_free(lab->model);
	lab->model = next;
	return 0;
}

static void apply(struct lab *lab, const char *services)
{
	struct error err = { 0 };

	assert_int_equal(apply_marked(lab, services, lab->service_used, lab->backend_used, &err),
			 0);
}

static struct lbd_addr addr(const char *text)
{
	struct lbd_addr ret;

	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
}

static struct service *service_at(const struct lab *lab, const char *vip, uint16_t port)
{
	struct lbd_addr address = addr(vip);

	return model_find_service(lab->model, &address, port, IPPROTO_TCP);
}

static struct backend *backend_at(const struct lab *lab, uint16_t service, const char *address)
{
	struct lbd_addr wanted = addr(address);

	return model_find_backend(lab->model, service, &wanted);
}

static void resolve_all(const struct lab *lab)
{
	for (uint32_t i = 1; i < BACKENDS; i++)
		if (lab->model->backends[i].index)
			lab->model->backends[i].nexthop =
				(struct nexthop){ .resolved = true, .ifindex = 2, .mtu = 1500 };
}

#define WEB "  - {name: web, vip: 192.0.2.80, port: 80, backends: ["
#define DNS "  - {name: dns, vip: 192.0.2.53, port: 53, health: {check: none}, backends: ["
#define END "]}\n"
#define A "{name: a, address: 192.0.2.1}"
#define B "{name: b, address: 192.0.2.2}"
#define C "{name: c, address: 192.0.2.3}"

/* --- what the config says */

static void limits_and_timeouts_are_those_of_the_config(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END);
	assert_int_equal(lab->model->limits.services, SERVICES);
	assert_int_equal(lab->model->limits.backends, BACKENDS);
	assert_int_equal(lab->model->limits.conn4_buckets * LBD_BUCKET_SLOTS, 1024);
	assert_int_equal(lab->model->limits.conn6_buckets * LBD_BUCKET_SLOTS, 2048);
	assert_int_equal(lab->model->limits.ring_size, 251);
	assert_int_equal(lab->model->limits.rings, 2 * SERVICES);
	assert_int_equal(lab->model->timeouts_s.tcp, 300);
	assert_int_equal(lab->model->timeouts_s.udp, 31);
	assert_int_equal(lab->model->timeouts_s.closing, 21);
	assert_int_equal(lab->model->timeouts_s.unconfirmed, 11);
}

static void a_service_and_its_backends_are_as_configured(void **state)
{
	struct lab *lab = *state;
	const struct backend *backend;
	const struct service *web;

	apply(lab, WEB A ", {name: b, address: 192.0.2.2, weight: 7, drain: true}" END);
	web = service_at(lab, "192.0.2.80", 80);
	assert_string_equal(web->name, "web");
	assert_int_equal(web->forward, LBD_FORWARD_DSR);
	assert_true(web->health.enabled);
	backend = backend_at(lab, web->id, "192.0.2.2");
	assert_string_equal(backend->name, "b");
	assert_int_equal(backend->weight, 7);
	assert_true(backend->drain);
	assert_int_equal(backend->service, web->id);
	assert_ptr_equal(backend, &lab->model->backends[backend->index]);
}

static void the_same_machine_behind_two_services_is_two_backends(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END DNS A END);
	assert_int_not_equal(
		backend_at(lab, service_at(lab, "192.0.2.80", 80)->id, "192.0.2.1")->index,
		backend_at(lab, service_at(lab, "192.0.2.53", 53)->id, "192.0.2.1")->index);
}

/* --- ids */

static void ids_stay_when_the_config_is_turned_round(void **state)
{
	struct lab *lab = *state;
	uint16_t web, a, b;

	apply(lab, WEB A "," B END DNS C END);
	web = service_at(lab, "192.0.2.80", 80)->id;
	a = backend_at(lab, web, "192.0.2.1")->index;
	b = backend_at(lab, web, "192.0.2.2")->index;
	apply(lab, DNS C END WEB B "," A END);
	assert_int_equal(service_at(lab, "192.0.2.80", 80)->id, web);
	assert_int_equal(backend_at(lab, web, "192.0.2.1")->index, a);
	assert_int_equal(backend_at(lab, web, "192.0.2.2")->index, b);
}

static void a_renamed_backend_and_a_service_forwarded_otherwise_keep_their_ids(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END);
	apply(lab, "  - {name: www, vip: 192.0.2.80, port: 80, forward: ipip, backends: "
		   "[{name: z, address: 192.0.2.1}]}\n");
	assert_int_equal(service_at(lab, "192.0.2.80", 80)->id, 1);
	assert_int_equal(service_at(lab, "192.0.2.80", 80)->forward, LBD_FORWARD_IPIP);
	assert_string_equal(lab->model->services[1].name, "www");
	assert_int_equal(backend_at(lab, 1, "192.0.2.1")->index, 1);
	assert_string_equal(lab->model->backends[1].name, "z");
}

static void what_is_removed_is_gone_but_keeps_its_id(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A "," B END DNS C END);
	apply(lab, WEB B END);
	assert_true(service_at(lab, "192.0.2.53", 53)->gone);
	assert_int_equal(model_backend_state(backend_at(lab, 1, "192.0.2.1")), LBD_BACKEND_GONE);
	assert_int_equal(model_backend_state(backend_at(lab, 2, "192.0.2.3")), LBD_BACKEND_GONE);
	assert_false(backend_at(lab, 1, "192.0.2.2")->gone);
}

static void an_id_in_use_is_given_to_nobody_else(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END DNS C END);
	lab->service_used[1] = lab->backend_used[1] = true;
	apply(lab, DNS C END);
	apply(lab, DNS C "," B END);
	assert_true(lab->model->services[1].gone);
	assert_true(lab->model->backends[1].gone);
	assert_int_equal(backend_at(lab, 2, "192.0.2.2")->index, 3);
}

static void an_id_that_nothing_uses_any_longer_is_given_again(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END DNS C END);
	apply(lab, DNS C END);
	apply(lab, DNS C "," B END);
	assert_int_equal(backend_at(lab, 2, "192.0.2.2")->index, 1);
	assert_null(service_at(lab, "192.0.2.80", 80));
}

static void nothing_gone_is_freed_without_marks(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };

	apply(lab, WEB A END DNS C END);
	assert_int_equal(apply_marked(lab, DNS C END, NULL, NULL, &err), 0);
	assert_int_equal(apply_marked(lab, DNS C END, NULL, NULL, &err), 0);
	assert_true(lab->model->services[1].gone);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_GONE);
}

static void an_id_that_only_the_connection_table_knows_is_given_to_nobody(void **state)
{
	struct lab *lab = *state;

	lab->service_used[1] = lab->backend_used[1] = lab->backend_used[2] = true;
	apply(lab, WEB A END);
	assert_int_equal(service_at(lab, "192.0.2.80", 80)->id, 2);
	assert_int_equal(backend_at(lab, 2, "192.0.2.1")->index, 3);
}

/* Its service's id would otherwise go to another one, which would own the backend then. */
static void a_gone_backend_in_use_keeps_its_service(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END DNS C END);
	lab->backend_used[1] = true;
	apply(lab, DNS C END);
	apply(lab, DNS C END);
	assert_true(lab->model->services[1].gone);
	apply(lab, DNS C END "  - {name: new, vip: 192.0.2.90, port: 80, backends: [" B "]}\n");
	assert_int_equal(service_at(lab, "192.0.2.90", 80)->id, 3);
}

static void what_comes_back_gets_its_id_again_and_is_checked_anew(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A "," B END);
	lab->model->backends[1].healthy = lab->model->backends[1].checked = true;
	lab->backend_used[1] = true;
	apply(lab, WEB B END);
	apply(lab, WEB C "," A "," B END);
	assert_int_equal(backend_at(lab, 1, "192.0.2.1")->index, 1);
	assert_false(lab->model->backends[1].gone);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_DOWN);
	assert_false(lab->model->backends[1].checked);
	assert_int_equal(backend_at(lab, 1, "192.0.2.3")->index, 3);
}

static void running_out_of_ids_names_the_limit_to_raise(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };

	memset(lab->backend_used, true, sizeof(lab->backend_used));
	assert_int_equal(apply_marked(lab, WEB A END, NULL, lab->backend_used, &err), -ENOSPC);
	assert_string_equal(err.text, "backend a of service web: all 15 indexes are taken or still "
				      "used by connections");
	assert_non_null(strstr(err.hint, "limits.backends can be raised"));
	memset(lab->service_used, true, sizeof(lab->service_used));
	assert_int_equal(apply_marked(lab, WEB A END, lab->service_used, NULL, &err), -ENOSPC);
	assert_non_null(strstr(err.hint, "limits.services can be raised"));
	assert_null(lab->model);
}

static void the_old_model_is_not_touched(void **state)
{
	struct lab *lab = *state;
	struct config *config = config_of(DNS B END);
	struct error err = { 0 };
	struct model *next;
	struct service services[SERVICES];
	struct backend backends[BACKENDS];

	apply(lab, WEB A END DNS C END);
	memcpy(services, lab->model->services, sizeof(services));
	memcpy(backends, lab->model->backends, sizeof(backends));
	assert_int_equal(model_build(config, lab->model, NULL, NULL, &next, &err), 0);
	assert_memory_equal(lab->model->services, services, sizeof(services));
	assert_memory_equal(lab->model->backends, backends, sizeof(backends));
	model_free(next);
	config_free(config);
}

/* --- health and next hops */

static void a_new_backend_starts_down_unless_nobody_checks_it(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A END DNS C END);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_DOWN);
	assert_int_equal(model_backend_state(&lab->model->backends[2]), LBD_BACKEND_UP);
}

static void health_and_next_hop_outlive_a_reload(void **state)
{
	struct lab *lab = *state;

	apply(lab, WEB A "," B END);
	resolve_all(lab);
	lab->model->backends[1].healthy = lab->model->backends[1].checked = true;
	apply(lab, WEB C "," B "," A END);
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

	apply(lab, DNS A END);
	apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, backends: [" A "," B END);
	assert_true(lab->model->backends[1].healthy);
	assert_false(lab->model->backends[2].healthy);
}

static void who_is_no_longer_checked_is_up(void **state)
{
	struct lab *lab = *state;

	apply(lab, "  - {name: dns, vip: 192.0.2.53, port: 53, backends: [" A END);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_DOWN);
	apply(lab, DNS A END);
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

	apply(lab, WEB A "," B END DNS C END);
	apply(lab, WEB B END DNS C END);
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

	apply(lab, DNS A "," B "," C
			 ", {address: 192.0.2.4, drain: true}, {address: 192.0.2.5, weight: 0},"
			 "{address: 192.0.2.6}, {address: 192.0.2.7}" END);
	apply(lab, DNS A "," B "," C
			 ", {address: 192.0.2.4, drain: true}, {address: 192.0.2.5, weight: 0},"
			 "{address: 192.0.2.6}" END);
	resolve_all(lab);
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

	apply(lab, WEB A END);
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
		{ WEB A END, LBD_FEATURE_IPV4 | LBD_FEATURE_DSR },
		{ "  - {name: x, vip: \"2001:db8::80\", port: any, forward: ipip, health: {check: "
		  "none}, backends: [" A END,
		  LBD_FEATURE_IPV6 | LBD_FEATURE_IPIP | LBD_FEATURE_ANY_PORT },
	};
	const uint32_t interfaces[] = { 2, 3 }, elsewhere = 9;
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		model_free(lab->model);
		lab->model = NULL;
		apply(lab, cases[i].services);
		resolve_all(lab);
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

	apply(lab, WEB A END);
	lab->service_used[1] = lab->backend_used[1] = true;
	apply(lab,
	      "  - {name: x, vip: \"2001:db8::80\", port: 80, forward: ipip, backends: [" A END);
	assert_int_equal(model_features(lab->model, NULL, 0), LBD_FEATURE_IPV6 | LBD_FEATURE_IPIP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(limits_and_timeouts_are_those_of_the_config),
		TEST(a_service_and_its_backends_are_as_configured),
		TEST(the_same_machine_behind_two_services_is_two_backends),
		TEST(ids_stay_when_the_config_is_turned_round),
		TEST(a_renamed_backend_and_a_service_forwarded_otherwise_keep_their_ids),
		TEST(what_is_removed_is_gone_but_keeps_its_id),
		TEST(an_id_in_use_is_given_to_nobody_else),
		TEST(an_id_that_nothing_uses_any_longer_is_given_again),
		TEST(nothing_gone_is_freed_without_marks),
		TEST(an_id_that_only_the_connection_table_knows_is_given_to_nobody),
		TEST(a_gone_backend_in_use_keeps_its_service),
		TEST(what_comes_back_gets_its_id_again_and_is_checked_anew),
		TEST(running_out_of_ids_names_the_limit_to_raise),
		TEST(the_old_model_is_not_touched),
		TEST(a_new_backend_starts_down_unless_nobody_checks_it),
		TEST(health_and_next_hop_outlive_a_reload),
		TEST(health_stays_as_it_was_when_checks_begin),
		TEST(who_is_no_longer_checked_is_up),
		TEST(states_follow_from_what_is_known),
		TEST(a_services_backends_come_one_after_the_other),
		TEST(a_ring_has_only_those_that_take_new_flows),
		TEST(a_ring_of_nobody_is_empty),
		TEST(features_are_those_that_the_services_need),
		TEST(what_is_gone_needs_no_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
