/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables in plain memory and models made by hand, for the tests of sync. */
#ifndef TESTS_UNIT_SYNC_FIXTURE_H
#define TESTS_UNIT_SYNC_FIXTURE_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/monotonic.h"
#include "dataplane/tables.h"
#include "model/model.h"

static inline void *fixture_lines(size_t size)
{
	void *memory = aligned_alloc(128, size);

	assert_non_null(memory);
	return memset(memory, 0, size);
}

/* Empty tables whose clock is at tick 1000; @salt makes the hash another on each node. */
static inline void fixture_tables(struct tables *tables, uint32_t buckets, uint64_t salt)
{
	*tables = (struct tables){
		.conn4 = fixture_lines(buckets * sizeof(struct lbd_bucket)),
		.conn6 = fixture_lines(buckets * sizeof(struct lbd_bucket6)),
		.dirty4 = fixture_lines(buckets < 1024 ? 128 : buckets / 8),
		.dirty6 = fixture_lines(buckets < 1024 ? 128 : buckets / 8),
		.conn4_buckets = buckets,
		.conn6_buckets = buckets,
		.secret = { { salt, ~salt } },
		.timeouts = { .tcp = 900, .udp = 60, .closing = 30, .unconfirmed = 10, .guard = 5 },
		.tick_ns = 1024000000,
		.tick_base_ns = monotonic_ns() - 1000 * 1024000000LL - 100000000,
	};
}

static inline void fixture_tables_free(struct tables *tables)
{
	free(tables->conn4);
	free(tables->conn6);
	free(tables->dirty4);
	free(tables->dirty6);
}

static inline struct lbd_addr fixture_addr(const char *text)
{
	struct lbd_addr addr;
	__be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return lbd_addr_from4(v4);
	assert_int_equal(inet_pton(AF_INET6, text, addr.bytes), 1);
	return addr;
}

#define FIXTURE_SERVICES 16
#define FIXTURE_BACKENDS 64

struct fixture_model {
	struct service services[FIXTURE_SERVICES];
	struct backend backends[FIXTURE_BACKENDS];
	struct model model;
};

static inline void fixture_model(struct fixture_model *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	fixture->model.limits.services = FIXTURE_SERVICES;
	fixture->model.limits.backends = FIXTURE_BACKENDS;
	fixture->model.services = fixture->services;
	fixture->model.backends = fixture->backends;
}

static inline void fixture_service(struct fixture_model *fixture, uint16_t id, const char *vip,
				   uint16_t port, uint8_t protocol)
{
	fixture->services[id] = (struct service){
		.id = id, .vip = fixture_addr(vip), .port = port, .protocol = protocol
	};
}

static inline void fixture_backend(struct fixture_model *fixture, uint16_t index, uint16_t service,
				   const char *addr)
{
	fixture->backends[index] =
		(struct backend){ .index = index, .service = service, .addr = fixture_addr(addr) };
}

/* Client @n of a service: an address of 198.18.0.0/15 or 2001:db8::/32, and a port. */
static inline struct table_entry fixture_entry(const struct tables *tables, uint32_t n, bool v6,
					       uint16_t service, uint16_t backend)
{
	struct table_entry entry = {
		.client = lbd_addr_from4(htonl(0xc6120000U + n % 131072)),
		.client_port = htons((uint16_t)(1024 + n / 131072)),
		.vip_port = htons(80),
		.service = service,
		.backend = backend,
		.flags = LBD_CONN_CONFIRMED,
		.tick = tables_now(tables),
	};

	if (v6) {
		entry.client = fixture_addr("2001:db8::");
		entry.client.words[3] = htonl(n);
	}
	return entry;
}

/* Mark the buckets in which the entry may stand, as the packet path does. */
static inline void fixture_mark(const struct tables *tables, const struct table_entry *entry)
{
	bool v6 = !lbd_addr_is4(&entry->client);
	struct lbd_flow flow =
		v6 ? lbd_flow6(&entry->client, entry->client_port, entry->service, entry->vip_port)
		   : lbd_flow4(entry->client.words[3], entry->client_port, entry->service,
			       entry->vip_port);
	uint64_t hash = lbd_flow_hash(&flow, v6, &tables->secret);
	uint64_t *dirty = v6 ? tables->dirty6 : tables->dirty4;

	for (int i = 0; i < 2; i++) {
		uint32_t bucket = lbd_flow_bucket(hash, i, tables->conn4_buckets - 1);

		__atomic_fetch_or(&dirty[bucket / 64], 1ULL << bucket % 64, __ATOMIC_SEQ_CST);
	}
}

#endif
