// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_model.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"

struct lbd_addr fake_addr(const char *text)
{
	struct lbd_addr addr;

	if (addr_parse(text, &addr))
		abort();
	return addr;
}

static void fake_service(struct model *model, uint16_t id, const char *name, const char *vip,
			 uint16_t port, uint8_t protocol)
{
	struct service *service = &model->services[id];

	*service = (struct service){
		.id = id, .vip = fake_addr(vip), .port = port, .protocol = protocol
	};
	snprintf(service->name, sizeof(service->name), "%s", name);
}

static struct backend *fake_backend(struct model *model, uint16_t index, uint16_t service,
				    const char *name, const char *address)
{
	struct backend *backend = &model->backends[index];

	*backend = (struct backend){ .index = index,
				     .service = service,
				     .healthy = true,
				     .checked = true,
				     .weight = 100,
				     .addr = fake_addr(address) };
	snprintf(backend->name, sizeof(backend->name), "%s", name);
	backend->nexthop = (struct nexthop){ .resolved = true, .ifindex = 1, .dmac = { 2 } };
	return backend;
}

struct model *fake_model_new(void)
{
	struct model *model = calloc(1, sizeof(*model));

	model->limits = (struct lbd_limits){ .services = 8, .backends = 16 };
	model->services = calloc(8, sizeof(*model->services));
	model->backends = calloc(16, sizeof(*model->backends));
	fake_service(model, 1, "web", "192.0.2.10", 80, IPPROTO_TCP);
	fake_service(model, 2, "dns6", "2001:db8::10", 53, IPPROTO_UDP);
	fake_service(model, 3, "old", "192.0.2.30", 0, IPPROTO_TCP);
	model->services[3].gone = true;
	fake_backend(model, 1, 1, "web1", "198.51.100.11");
	fake_backend(model, 2, 1, "web2", "198.51.100.12")->healthy = false;
	fake_backend(model, 3, 1, "web3", "198.51.100.13")->drain = true;
	fake_backend(model, 4, 2, "ns1", "2001:db8:1::1");
	return model;
}

void fake_model_free(struct model *model)
{
	free(model->services);
	free(model->backends);
	free(model);
}
