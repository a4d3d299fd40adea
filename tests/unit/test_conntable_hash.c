// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever flows come, they must spread over the buckets like balls thrown at
 * random: n of them into n buckets leave 1/e empty. A table whose hash misses
 * that is full long before its slots are used.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lbd/conntable.h"

#define FLOWS 65536U
#define RANDOM_SHARE 0.632 /* 1 - 1/e */

static const struct lbd_secret secrets[] = {
	{ { 0, 0 } },
	{ { 0x123456789abcdef1ULL, 0xfedcba9812345678ULL } },
	{ { 0x8000000000000000ULL, 1 } },
};

/* The i-th client and port of a population. */
struct population {
	uint32_t address_shift; /* the address grows every 2^n flows ... */
	uint32_t address_step;	/* ... by this */
	uint32_t port_step;
};

static struct lbd_flow flow_of(const struct population *population, uint32_t i, bool v6)
{
	uint32_t address = 0xc6120000 + (i >> population->address_shift) * population->address_step;
	__be16 port = htons((uint16_t)(1024 + i * population->port_step));
	struct lbd_addr client = { .words = { htonl(0x20010db8), 0, 0, htonl(address) } };

	return v6 ? lbd_flow6(&client, port, 1, htons(80))
		  : lbd_flow4(htonl(address), port, 1, htons(80));
}

static double share_of_buckets(const struct population *population, bool v6,
			       const struct lbd_secret *secret, int which)
{
	uint8_t *hit = calloc(FLOWS, 1);
	uint32_t count = 0;

	assert_non_null(hit);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct lbd_flow flow = flow_of(population, i, v6);

		hit[lbd_flow_bucket(lbd_flow_hash(&flow, v6, secret), which, FLOWS - 1)] = 1;
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		count += hit[i];
	free(hit);
	return (double)count / FLOWS;
}

static void assert_spreads(const struct population *population)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		for (int way = 0; way < 4; way++)
			assert_float_equal(
				share_of_buckets(population, way & 1, &secrets[i], way >> 1),
				RANDOM_SHARE, 0.03);
}

static void one_client_with_every_port_spreads(void **state)
{
	(void)state;
	assert_spreads(&(struct population){ 16, 0, 1 });
}

static void few_clients_with_many_ports_spread(void **state)
{
	(void)state;
	assert_spreads(&(struct population){ 11, 1, 1 });
}

static void many_clients_with_one_port_spread(void **state)
{
	(void)state;
	assert_spreads(&(struct population){ 0, 1, 0 });
}

static void clients_of_many_networks_spread(void **state)
{
	(void)state;
	assert_spreads(&(struct population){ 0, 256, 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_client_with_every_port_spreads),
		cmocka_unit_test(few_clients_with_many_ports_spread),
		cmocka_unit_test(many_clients_with_one_port_spread),
		cmocka_unit_test(clients_of_many_networks_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
