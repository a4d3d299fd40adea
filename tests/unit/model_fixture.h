/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Models built one from the other, each from services in a few words. */
#ifndef TESTS_UNIT_MODEL_FIXTURE_H
#define TESTS_UNIT_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

#define SERVICES 8
#define BACKENDS 16

/* Services, to be put together: WEB A "," B END. */
#define WEB "  - {name: web, vip: 192.0.2.80, port: 80, backends: ["
#define DNS "  - {name: dns, vip: 192.0.2.53, port: 53, health: {check: none}, backends: ["
#define END "]}\n"
#define A "{name: a, address: 192.0.2.1}"
#define B "{name: b, address: 192.0.2.2}"
#define C "{name: c, address: 192.0.2.3}"

/* The model of the latest config, and the ids that connections use. */
struct lab {
	struct model *model;
	bool service_used[SERVICES], backend_used[BACKENDS];
};

/* cmocka set-up and tear-down around each test: *state is a struct lab, without a model. */
int lab_setup(void **state);
int lab_teardown(void **state);

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

/* The config with @services, the caller's. */
struct config *lab_config(const char *services);

/* Let the model of @services follow that of the lab, with the lab's marks or others. */
void lab_apply(struct lab *lab, const char *services);
int lab_apply_marked(struct lab *lab, const char *services, const bool *service_used,
		     const bool *backend_used, struct error *err);

/* NULL if there is none. */
struct service *lab_service(const struct lab *lab, const char *vip, uint16_t port);
struct backend *lab_backend(const struct lab *lab, uint16_t service, const char *address);

/* Give every backend a next hop. */
void lab_resolve_all(const struct lab *lab);

#endif
