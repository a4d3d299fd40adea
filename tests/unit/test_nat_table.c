// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The return table: which ports a flow may go out from, and the way back of a
 * replicated connection. Plain memory, as a peer's records fill it.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/tables_nat.h"

#define BUCKETS 64
#define SERVICES 4
#define BACKENDS 4
#define PORTS 16

struct table_lab {
	struct lbd_control control;
	struct lbd_service services[2 * SERVICES];
	struct lbd_backend backends[2 * BACKENDS];
	struct tables tables;
};

static void *lab_memory(size_t size)
{
	void *memory = aligned_alloc(64, size);

	assert_non_null(memory);
	return memset(memory, 0, size);
}

static struct lbd_addr v4(const char *text)
{
	__be32 addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return lbd_addr_from4(addr);
}

static void lab_config(struct table_lab *lab)
{
	lab->control.limits = (struct lbd_limits){ .services = SERVICES, .backends = BACKENDS };
	lab->services[1] = (struct lbd_service){
		.vip = v4("192.0.2.1"), .port = htons(80), .protocol = IPPROTO_TCP, .used = 1
	};
	lab->backends[1] = (struct lbd_backend){ .addr = v4("203.0.113.11"),
						 .service = 1,
						 .state = LBD_BACKEND_UP,
						 .forward = LBD_FORWARD_NAT };
	lab->tables.nat = (struct lbd_nat){ .first_port = 2000, .ports = PORTS, .count = { 1, 0 } };
	lab->tables.nat.addrs[0][0] = v4("192.0.2.100");
}

static int lab_setup(void **state)
{
	struct table_lab *lab = lab_memory(sizeof(*lab) + 64 - sizeof(*lab) % 64);
	struct tables *tables = &lab->tables;

	tables->conn4 = lab_memory(BUCKETS * sizeof(*tables->conn4));
	tables->nat4 = lab_memory(BUCKETS * sizeof(*tables->nat4));
	tables->conn4_buckets = tables->nat4_buckets = BUCKETS;
	tables->nat_control = &lab->control;
	tables->services = lab->services;
	tables->backends = lab->backends;
	tables->timeouts = (struct lbd_timeouts){ 900, 60, 30, 10, 8 };
	tables->tick_ns = 1000000000;
	lab_config(lab);
	*state = lab;
	return 0;
}

static int lab_teardown(void **state)
{
	struct table_lab *lab = *state;

	free(lab->tables.conn4);
	free(lab->tables.nat4);
	free(lab);
	return 0;
}

static struct table_entry lab_entry(const struct table_lab *lab, uint16_t port, uint32_t attempt)
{
	return (struct table_entry){
		.client = v4("198.51.100.7"),
		.client_port = htons(port),
		.vip_port = htons(80),
		.service = 1,
		.backend = 1,
		.flags = lbd_value_with_nat(LBD_CONN_CONFIRMED | LBD_CONN_REMOTE, attempt),
		.tick = tables_now(&lab->tables),
	};
}

static uint32_t lab_ways(const struct table_lab *lab)
{
	uint32_t count = 0;

	for (uint32_t b = 0; b < BUCKETS; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			count += lab->tables.nat4[b].key[s] != LBD_KEY_EMPTY;
	return count;
}

static void a_source_is_within_the_range(void **state)
{
	struct lbd_nat nat = { .first_port = 1024, .ports = 64512, .count = { 3, 0 } };
	bool seen[3] = { false };

	(void)state;
	for (uint64_t hash = 0; hash < 100000; hash++) {
		struct lbd_nat_source source =
			lbd_nat_source(&nat, lbd_mix(hash), 1 + hash % LBD_NAT_ATTEMPTS, 0);

		assert_true(ntohs(source.port) >= 1024);
		assert_true(source.address < 3);
		seen[source.address] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
}

static void attempts_give_different_ports(void **state)
{
	struct lbd_nat nat = { .first_port = 1024, .ports = 64512, .count = { 1, 0 } };
	uint32_t same = 0;

	(void)state;
	for (uint64_t hash = 1; hash < 1000; hash++)
		same += lbd_nat_source(&nat, hash, 1, 0).port ==
			lbd_nat_source(&nat, hash, 2, 0).port;
	assert_in_range(same, 0, 3);
}

/* A key has no room for address and protocol: the bucket says them. */
static void addresses_and_protocols_of_one_key_have_buckets_of_their_own(void **state)
{
	const struct lbd_secret secret = { { 1, 2 } };
	const struct lbd_addr backend = v4("203.0.113.11");
	bool taken[BUCKETS] = { false };

	(void)state;
	for (uint32_t i = 0; i < 2 * LBD_NAT_ADDRS_MAX; i++) {
		const struct lbd_nat_source source = { .address = i / 2, .port = htons(2000) };
		struct lbd_nat_way way =
			lbd_nat_way(&backend, htons(80), &source, i % 2, &secret, BUCKETS, 0);

		assert_false(taken[way.bucket]);
		taken[way.bucket] = true;
	}
}

static void a_replicated_connection_gets_its_way_back(void **state)
{
	struct table_lab *lab = *state;
	struct table_entry entry = lab_entry(lab, 40000, 3), found;
	struct tables_way way;

	assert_int_equal(tables_put(&lab->tables, &entry), TABLES_PUT_ADDED);
	assert_int_equal(lab_ways(lab), 1);
	assert_true(tables_find(&lab->tables, &entry, &found));
	assert_int_equal(lbd_value_nat(found.flags), 3);
	assert_true(tables_nat_find(&lab->tables, &entry, &way));
	assert_true(way.ours);
}

static void told_again_it_stays_one(void **state)
{
	struct table_lab *lab = *state;
	struct table_entry entry = lab_entry(lab, 40000, 3);

	tables_put(&lab->tables, &entry);
	assert_int_equal(tables_put(&lab->tables, &entry), TABLES_PUT_UPDATED);
	assert_int_equal(lab_ways(lab), 1);
}

static void a_connection_without_an_attempt_gets_none(void **state)
{
	struct table_lab *lab = *state;
	struct table_entry entry = lab_entry(lab, 40000, 0);

	assert_int_equal(tables_put(&lab->tables, &entry), TABLES_PUT_ADDED);
	assert_int_equal(lab_ways(lab), 0);
}

/* One that would go out from a port in use here can't be taken over: its packets would be mixed up. */
static void a_port_in_use_here_refuses_the_record(void **state)
{
	struct table_lab *lab = *state;
	struct table_entry first = lab_entry(lab, 40000, 1), second, found;

	lab->tables.nat.ports = 1;
	second = lab_entry(lab, 40001, 1);
	assert_int_equal(tables_put(&lab->tables, &first), TABLES_PUT_ADDED);
	assert_int_equal(tables_put(&lab->tables, &second), TABLES_PUT_FULL);
	assert_false(tables_find(&lab->tables, &second, &found));
	assert_int_equal(lab_ways(lab), 1);
}

static void a_way_whose_connection_is_gone_is_free(void **state)
{
	struct table_lab *lab = *state;
	struct table_entry first = lab_entry(lab, 40000, 1), second;

	lab->tables.nat.ports = 1;
	second = lab_entry(lab, 40001, 1);
	tables_put(&lab->tables, &first);
	memset(lab->tables.conn4, 0, BUCKETS * sizeof(*lab->tables.conn4));
	assert_int_equal(tables_put(&lab->tables, &second), TABLES_PUT_ADDED);
	assert_int_equal(lab_ways(lab), 1);
}

static void of_two_entries_of_one_way_the_later_slot_goes(void **state)
{
	struct lbd_bucket bucket = { .key = { 7, 9, 7, 0 } };

	(void)state;
	assert_false(lbd_nat_settle(&bucket, 2, 7));
	assert_int_equal(bucket.key[2], LBD_KEY_EMPTY);
	bucket.key[2] = 7;
	assert_true(lbd_nat_settle(&bucket, 0, 7));
	assert_int_equal(bucket.key[0], 7);
	assert_int_equal(bucket.key[2], LBD_KEY_EMPTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_within_the_range),
		cmocka_unit_test(attempts_give_different_ports),
		cmocka_unit_test(addresses_and_protocols_of_one_key_have_buckets_of_their_own),
		cmocka_unit_test(of_two_entries_of_one_way_the_later_slot_goes),
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)
		LAB_TEST(a_replicated_connection_gets_its_way_back),
		LAB_TEST(told_again_it_stays_one),
		LAB_TEST(a_connection_without_an_attempt_gets_none),
		LAB_TEST(a_port_in_use_here_refuses_the_record),
		LAB_TEST(a_way_whose_connection_is_gone_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
