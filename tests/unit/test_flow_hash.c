// SPDX-License-Identifier: GPL-2.0-or-later
/* Real clients are neighbours: same network, ports in steps. They must spread like chance does. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lbd/conntable.h"

#define BUCKETS 65536
#define FLOWS 131072

struct pattern {
	uint32_t per_client; /* ports a client uses ... */
	uint32_t port_step;  /* ... this far apart */
	uint32_t client_step;
};

static struct lbd_flow pattern_flow(const struct pattern *pattern, uint32_t n, bool v6)
{
	uint32_t client = 0xc6120000U + n / pattern->per_client * pattern->client_step;
	uint32_t port = 1024 + n % pattern->per_client * pattern->port_step;
	struct lbd_addr addr = { .words = { htonl(0x20010db8), 0, 0, htonl(client) } };

	if (v6)
		return lbd_flow6(&addr, htons((uint16_t)port), 1, htons(443));
	return lbd_flow4(htonl(client), htons((uint16_t)port), 1, htons(443));
}

/* Variance over mean of the flows a bucket gets, in percent: chance gives 100. */
static uint32_t pattern_spread(const struct pattern *pattern, bool v6, int which)
{
	const struct lbd_secret secret = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
	uint32_t *counts = calloc(BUCKETS, sizeof(*counts));
	double sum = 0, mean = (double)FLOWS / BUCKETS;

	assert_non_null(counts);
	for (uint32_t n = 0; n < FLOWS; n++) {
		struct lbd_flow flow = pattern_flow(pattern, n, v6);

		counts[lbd_flow_bucket(lbd_flow_hash(&flow, v6, &secret), which, BUCKETS - 1)]++;
	}
	for (uint32_t i = 0; i < BUCKETS; i++)
		sum += (counts[i] - mean) * (counts[i] - mean);
	free(counts);
	return (uint32_t)(100 * sum / BUCKETS / mean);
}

static const struct pattern patterns[] = {
	{ 1, 0, 1 },	 /* one flow each, client after client */
	{ 16, 7, 1 },	 /* some each */
	{ 60000, 1, 1 }, /* a proxy that uses all its ports */
	{ 64, 1000, 256 },
};

static void neighbours_spread_like_chance(bool v6)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		for (int which = 0; which < 2; which++)
			assert_in_range(pattern_spread(&patterns[i], v6, which), 90, 110);
}

static void ipv4_neighbours_spread_like_chance(void **state)
{
	(void)state;
	neighbours_spread_like_chance(false);
}

static void ipv6_neighbours_spread_like_chance(void **state)
{
	(void)state;
	neighbours_spread_like_chance(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_neighbours_spread_like_chance),
		cmocka_unit_test(ipv6_neighbours_spread_like_chance),
	};

	return cmocka_run_group_tests_name("flow_hash", tests, NULL, NULL);
}
