// SPDX-License-Identifier: GPL-2.0-or-later
#include "model_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lab_setup(void **state)
{
	*state = calloc(1, sizeof(struct lab));
	return *state ? 0 : -1;
}

int lab_teardown(void **state)
{
	struct lab *lab = *state;

	model_free(lab->model);
	free(lab);
	return 0;
}

struct config *lab_config(const char *services)
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

int lab_apply_marked(struct lab *lab, const char *services, const bool *service_used,
		     const bool *backend_used, struct error *err)
{
	struct config *config = lab_config(services);
	struct model *next = NULL;
	int rc = model_build(config, lab->model, service_used, backend_used, &next, err);

	config_free(config);
	if (rc)
		return rc;
	model_free(lab->model);
	lab->model = next;
	return 0;
}

void lab_apply(struct lab *lab, const char *services)
{
	struct error err = { 0 };

	assert_int_equal(
		lab_apply_marked(lab, services, lab->service_used, lab->backend_used, &err), 0);
}

static struct lbd_addr addr(const char *text)
{
	struct lbd_addr ret;

	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
}

struct service *lab_service(const struct lab *lab, const char *vip, uint16_t port)
{
	struct lbd_addr address = addr(vip);

	return model_find_service(lab->model, &address, port, IPPROTO_TCP);
}

struct backend *lab_backend(const struct lab *lab, uint16_t service, const char *address)
{
	struct lbd_addr wanted = addr(address);

	return model_find_backend(lab->model, service, &wanted);
}

void lab_resolve_all(const struct lab *lab)
{
	for (uint32_t i = 1; i < BACKENDS; i++)
		if (lab->model->backends[i].index)
			lab->model->backends[i].nexthop =
				(struct nexthop){ .resolved = true, .ifindex = 2, .mtu = 1500 };
}
