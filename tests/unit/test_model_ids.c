// SPDX-License-Identifier: GPL-2.0-or-later
/* From config to model: what the config says, and ids that last. */
#include "model_fixture.h"

#include <errno.h>
#include <string.h>

/* --- what the config says */

static void limits_and_timeouts_are_those_of_the_config(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END);
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

	lab_apply(lab, WEB A ", {name: b, address: 192.0.2.2, weight: 7, drain: true}" END);
	web = lab_service(lab, "192.0.2.80", 80);
	assert_string_equal(web->name, "web");
	assert_int_equal(web->forward, LBD_FORWARD_DSR);
	assert_true(web->health.enabled);
	backend = lab_backend(lab, web->id, "192.0.2.2");
	assert_string_equal(backend->name, "b");
	assert_int_equal(backend->weight, 7);
	assert_true(backend->drain);
	assert_int_equal(backend->service, web->id);
	assert_ptr_equal(backend, &lab->model->backends[backend->index]);
}

static void the_same_machine_behind_two_services_is_two_backends(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END DNS A END);
	assert_int_not_equal(
		lab_backend(lab, lab_service(lab, "192.0.2.80", 80)->id, "192.0.2.1")->index,
		lab_backend(lab, lab_service(lab, "192.0.2.53", 53)->id, "192.0.2.1")->index);
}

/* --- ids */

static void ids_stay_when_the_config_is_turned_round(void **state)
{
	struct lab *lab = *state;
	uint16_t web, a, b;

	lab_apply(lab, WEB A "," B END DNS C END);
	web = lab_service(lab, "192.0.2.80", 80)->id;
	a = lab_backend(lab, web, "192.0.2.1")->index;
	b = lab_backend(lab, web, "192.0.2.2")->index;
	lab_apply(lab, DNS C END WEB B "," A END);
	assert_int_equal(lab_service(lab, "192.0.2.80", 80)->id, web);
	assert_int_equal(lab_backend(lab, web, "192.0.2.1")->index, a);
	assert_int_equal(lab_backend(lab, web, "192.0.2.2")->index, b);
}

static void a_renamed_backend_and_a_service_forwarded_otherwise_keep_their_ids(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END);
	lab_apply(lab, "  - {name: www, vip: 192.0.2.80, port: 80, forward: ipip, backends: "
		       "[{name: z, address: 192.0.2.1}]}\n");
	assert_int_equal(lab_service(lab, "192.0.2.80", 80)->id, 1);
	assert_int_equal(lab_service(lab, "192.0.2.80", 80)->forward, LBD_FORWARD_IPIP);
	assert_string_equal(lab->model->services[1].name, "www");
	assert_int_equal(lab_backend(lab, 1, "192.0.2.1")->index, 1);
	assert_string_equal(lab->model->backends[1].name, "z");
}

static void what_is_removed_is_gone_but_keeps_its_id(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A "," B END DNS C END);
	lab_apply(lab, WEB B END);
	assert_true(lab_service(lab, "192.0.2.53", 53)->gone);
	assert_int_equal(model_backend_state(lab_backend(lab, 1, "192.0.2.1")), LBD_BACKEND_GONE);
	assert_int_equal(model_backend_state(lab_backend(lab, 2, "192.0.2.3")), LBD_BACKEND_GONE);
	assert_false(lab_backend(lab, 1, "192.0.2.2")->gone);
}

static void an_id_in_use_is_given_to_nobody_else(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END DNS C END);
	lab->service_used[1] = lab->backend_used[1] = true;
	lab_apply(lab, DNS C END);
	lab_apply(lab, DNS C "," B END);
	assert_true(lab->model->services[1].gone);
	assert_true(lab->model->backends[1].gone);
	assert_int_equal(lab_backend(lab, 2, "192.0.2.2")->index, 3);
}

static void an_id_that_nothing_uses_any_longer_is_given_again(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END DNS C END);
	lab_apply(lab, DNS C END);
	lab_apply(lab, DNS C "," B END);
	assert_int_equal(lab_backend(lab, 2, "192.0.2.2")->index, 1);
	assert_null(lab_service(lab, "192.0.2.80", 80));
}

static void nothing_gone_is_freed_without_marks(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };

	lab_apply(lab, WEB A END DNS C END);
	assert_int_equal(lab_apply_marked(lab, DNS C END, NULL, NULL, &err), 0);
	assert_int_equal(lab_apply_marked(lab, DNS C END, NULL, NULL, &err), 0);
	assert_true(lab->model->services[1].gone);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_GONE);
}

static void an_id_that_only_the_connection_table_knows_is_given_to_nobody(void **state)
{
	struct lab *lab = *state;

	lab->service_used[1] = lab->backend_used[1] = lab->backend_used[2] = true;
	lab_apply(lab, WEB A END);
	assert_int_equal(lab_service(lab, "192.0.2.80", 80)->id, 2);
	assert_int_equal(lab_backend(lab, 2, "192.0.2.1")->index, 3);
}

/* Its service's id would otherwise go to another one, which would own the backend then. */
static void a_gone_backend_in_use_keeps_its_service(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A END DNS C END);
	lab->backend_used[1] = true;
	lab_apply(lab, DNS C END);
	lab_apply(lab, DNS C END);
	assert_true(lab->model->services[1].gone);
	lab_apply(lab, DNS C END "  - {name: new, vip: 192.0.2.90, port: 80, backends: [" B "]}\n");
	assert_int_equal(lab_service(lab, "192.0.2.90", 80)->id, 3);
}

static void what_comes_back_gets_its_id_again_and_is_checked_anew(void **state)
{
	struct lab *lab = *state;

	lab_apply(lab, WEB A "," B END);
	lab->model->backends[1].healthy = lab->model->backends[1].checked = true;
	lab->backend_used[1] = true;
	lab_apply(lab, WEB B END);
	lab_apply(lab, WEB C "," A "," B END);
	assert_int_equal(lab_backend(lab, 1, "192.0.2.1")->index, 1);
	assert_false(lab->model->backends[1].gone);
	assert_int_equal(model_backend_state(&lab->model->backends[1]), LBD_BACKEND_DOWN);
	assert_false(lab->model->backends[1].checked);
	assert_int_equal(lab_backend(lab, 1, "192.0.2.3")->index, 3);
}

static void running_out_of_ids_names_the_limit_to_raise(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };

	memset(lab->backend_used, true, sizeof(lab->backend_used));
	assert_int_equal(lab_apply_marked(lab, WEB A END, NULL, lab->backend_used, &err), -ENOSPC);
	assert_string_equal(err.text, "backend a of service web: all 15 indexes are taken or still "
				      "used by connections");
	assert_non_null(strstr(err.hint, "limits.backends can be raised"));
	memset(lab->service_used, true, sizeof(lab->service_used));
	assert_int_equal(lab_apply_marked(lab, WEB A END, lab->service_used, NULL, &err), -ENOSPC);
	assert_non_null(strstr(err.hint, "limits.services can be raised"));
	assert_null(lab->model);
}

static void the_old_model_is_not_touched(void **state)
{
	struct lab *lab = *state;
	struct config *config = lab_config(DNS B END);
	struct error err = { 0 };
	struct model *next;
	struct service services[SERVICES];
	struct backend backends[BACKENDS];

	lab_apply(lab, WEB A END DNS C END);
	memcpy(services, lab->model->services, sizeof(services));
	memcpy(backends, lab->model->backends, sizeof(backends));
	assert_int_equal(model_build(config, lab->model, NULL, NULL, &next, &err), 0);
	assert_memory_equal(lab->model->services, services, sizeof(services));
	assert_memory_equal(lab->model->backends, backends, sizeof(backends));
	model_free(next);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(limits_and_timeouts_are_those_of_the_config),
		LAB(a_service_and_its_backends_are_as_configured),
		LAB(the_same_machine_behind_two_services_is_two_backends),
		LAB(ids_stay_when_the_config_is_turned_round),
		LAB(a_renamed_backend_and_a_service_forwarded_otherwise_keep_their_ids),
		LAB(what_is_removed_is_gone_but_keeps_its_id),
		LAB(an_id_in_use_is_given_to_nobody_else),
		LAB(an_id_that_nothing_uses_any_longer_is_given_again),
		LAB(nothing_gone_is_freed_without_marks),
		LAB(an_id_that_only_the_connection_table_knows_is_given_to_nobody),
		LAB(a_gone_backend_in_use_keeps_its_service),
		LAB(what_comes_back_gets_its_id_again_and_is_checked_anew),
		LAB(running_out_of_ids_names_the_limit_to_raise),
		LAB(the_old_model_is_not_touched),
	};

	return cmocka_run_group_tests_name("model ids", tests, NULL, NULL);
}
