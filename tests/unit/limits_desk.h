/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon whose tables move into maps of other limits, and what must come along. */
#ifndef TESTS_UNIT_LIMITS_DESK_H
#define TESTS_UNIT_LIMITS_DESK_H

#include "tests/unit/daemon_fixture.h"

#define PORTS 1500 /* more than a small table takes of them */

static inline void edit(const char *from, const char *to)
{
	shell("sed -i 's/%s/%s/' %s", from, to, config_path);
}

static inline void fill(uint16_t count)
{
	const uint16_t service = backend_of("web", 1)->service;

	for (uint16_t port = 1; port <= count; port++)
		make_connection(service, backend_of("web", 1 + port % 2)->index, port, 1);
}

/* How many of those that fill() made are there, with their backend. */
static inline uint16_t present(uint16_t count)
{
	const struct tables *tables = dataplane_tables(daemon_now.dataplane);
	struct table_entry flow = { .client = host(200), .vip_port = htons(80) }, found;
	uint16_t number = 0;

	flow.service = backend_of("web", 1)->service;
	for (uint16_t port = 1; port <= count; port++) {
		flow.client_port = htons(port);
		if (tables_find(tables, &flow, &found) &&
		    found.backend == backend_of("web", 1 + port % 2)->index)
			number++;
	}
	return number;
}

static inline uint32_t buckets(void)
{
	return dataplane_limits(daemon_now.dataplane)->conn4_buckets;
}

static inline bool pinned(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), PINS "/%s", name);
	return !access(path, F_OK);
}

#endif
