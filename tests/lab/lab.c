// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/lab/lab.h"

#include <string.h>

struct backend *lab_find_backend(const struct lab *lab, const char *name)
{
	for (uint32_t i = 1; i < lab->model->limits.backends; i++)
		if (lab->model->backends[i].index && !strcmp(lab->model->backends[i].name, name))
			return &lab->model->backends[i];
	return NULL;
}

uint32_t lab_set_nexthop(const struct lab *lab, const struct lbd_addr *addr,
			 const struct nexthop *nexthop)
{
	uint32_t count = 0;

	for (uint32_t i = 1; i < lab->model->limits.backends; i++) {
		struct backend *backend = &lab->model->backends[i];

		if (!backend->index || !lbd_addr_equal(&backend->addr, addr))
			continue;
		backend->nexthop = *nexthop;
		count++;
	}
	return count;
}
