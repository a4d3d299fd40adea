/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of two sizes, and what carries the entries of one to the other. */
#ifndef TESTS_UNIT_CARRY_DESK_H
#define TESTS_UNIT_CARRY_DESK_H

#include "sync_fixture.h"

#include "dataplane/carry.h"

#define SALT 0x1234567
#define SMALL 16384U
#define LARGE 65536U

static uint64_t random_state = 42;

static inline uint64_t random_word(void)
{
	random_state += 0x9e3779b97f4a7c15ULL;
	return lbd_mix(random_state);
}

/* The n-th connection; every other one is IPv6. */
static inline struct table_entry connection(uint32_t n)
{
	struct table_entry entry = {
		.client =
			n % 2 ? fixture_addr("2001:db8::") : lbd_addr_from4(htonl(0x0a000000 + n)),
		.client_port = (__be16)(n * 7),
		.vip_port = htons(443),
		.service = (uint16_t)(1 + n % 5),
	};

	if (n % 2)
		entry.client.words[3] = htonl(n);
	return entry;
}

static inline uint64_t any_value(uint32_t now)
{
	const uint64_t word = random_word();
	const uint64_t flags = LBD_CONN_CONFIRMED | (word & (LBD_CONN_FLAGS & ~LBD_CONN_CLOSING));

	return lbd_value_make((uint16_t)(1 + word % 1000), htons(443), flags,
			      now - (uint32_t)(word >> 56) % 50);
}

static inline void fill(const struct tables *tables, uint32_t count)
{
	const uint32_t now = tables_now(tables);

	for (uint32_t n = 0; n < count; n++) {
		struct table_entry entry = connection(n);
		const uint64_t value = any_value(now);

		entry.backend = lbd_value_backend(value);
		entry.flags = value & LBD_CONN_FLAGS;
		entry.tick = lbd_value_tick(value);
		assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
	}
}

/* The carriers of both tables. */
struct carriers {
	struct carry ipv4, ipv6;
};

static inline void carriers_open(struct carriers *c, const struct tables *from,
				 const struct tables *to)
{
	const struct carry_source source4 = { .memory = (const uint8_t *)from->conn4,
					      .bucket_size = sizeof(struct lbd_bucket),
					      .buckets = from->conn4_buckets };
	const struct carry_source source6 = { .memory = (const uint8_t *)from->conn6,
					      .bucket_size = sizeof(struct lbd_bucket6),
					      .buckets = from->conn6_buckets };
	const struct carry_target target4 = {
		.tables = to, .lines = to->conn4, .buckets = to->conn4_buckets, .dirty = to->dirty4
	};
	const struct carry_target target6 = {
		.tables = to, .both = to->conn6, .buckets = to->conn6_buckets, .dirty = to->dirty6
	};

	assert_int_equal(carry_open(&c->ipv4, &source4, &target4, true), 0);
	assert_int_equal(carry_open(&c->ipv6, &source6, &target6, true), 0);
}

static inline uint64_t carriers_pass(struct carriers *c, bool alone)
{
	return carry_pass(&c->ipv4, alone) + carry_pass(&c->ipv6, alone);
}

static inline void carriers_prove(struct carriers *c)
{
	carry_prove(&c->ipv4);
	carry_prove(&c->ipv6);
}

static inline struct carry_count carriers_count(struct carriers *c, bool alone)
{
	struct carry_count count = { 0 };

	carry_count(&c->ipv4, alone, &count);
	carry_count(&c->ipv6, alone, &count);
	return count;
}

static inline void carriers_close(struct carriers *c)
{
	carry_close(&c->ipv4);
	carry_close(&c->ipv6);
}

/* Of @count connections, how many does @to not have word for word as @from? */
static inline uint32_t differing(const struct tables *from, const struct tables *to, uint32_t count)
{
	uint32_t wrong = 0;

	for (uint32_t n = 0; n < count; n++) {
		const struct table_entry flow = connection(n);
		__u64 was = 0, is = 1;

		if (tables_find_value(from, &flow, &was))
			wrong += !tables_find_value(to, &flow, &is) || was != is;
	}
	return wrong;
}

static inline uint64_t entries_of(const struct tables *tables)
{
	uint64_t ipv4, ipv6;

	tables_count(tables, &ipv4, &ipv6);
	return ipv4 + ipv6;
}

/* Put connection @n with @flags, idle for @idle ticks. */
static inline void put(const struct tables *tables, uint32_t n, uint64_t flags, uint32_t idle)
{
	struct table_entry entry = connection(n);

	entry.backend = 1;
	entry.flags = flags;
	entry.tick = (tables_now(tables) - idle) & LBD_TICK_MASK;
	assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
}

#endif
