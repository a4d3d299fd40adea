/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two buckets of the connection table in plain memory, and flows to put there. */
#ifndef TESTS_UNIT_CONNTABLE_FIXTURE_H
#define TESTS_UNIT_CONNTABLE_FIXTURE_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/tables.h"

#define NOW 100000U
#define SLOTS (2 * LBD_BUCKET_SLOTS)
#define GUARD 5

static const struct lbd_timeouts timeouts = { 900, 60, 30, 10, GUARD };

/* A pair of buckets with nothing around it, IPv6 in layout; IPv4 ignores the clients. */
struct lab {
	struct lbd_bucket6 buckets[2];
	struct lbd_pair pair;
};

static inline int setup(void **state)
{
	struct lab *lab = aligned_alloc(64, (sizeof(*lab) + 63) / 64 * 64);

	memset(lab, 0, sizeof(*lab));
	for (int i = 0; i < 2; i++)
		lab->pair.bucket[i] = &lab->buckets[i].line;
	*state = lab;
	return 0;
}

static inline int setup6(void **state)
{
	struct lab *lab;

	setup(state);
	lab = *state;
	for (int i = 0; i < 2; i++)
		lab->pair.client[i] = lab->buckets[i].client;
	return 0;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

/* IPv4 flow number @n: one client, many ports. */
static inline struct lbd_flow flow4(uint16_t n)
{
	return lbd_flow4(htonl(0xc6120001), htons(n), 1, htons(443));
}

static inline uint64_t value_of(uint16_t backend, uint64_t flags, uint32_t idle)
{
	return lbd_value_make(backend, htons(443), flags, NOW - idle);
}

static inline bool insert(const struct lab *lab, const struct lbd_flow *flow, uint64_t value)
{
	return lbd_pair_insert(&lab->pair, flow, value, NOW, &timeouts, LBD_KEY_CLAIMED_USER);
}

/* Where the flow stands, 0..7, SLOTS if nowhere; *ret is its backend. */
static inline uint32_t find(const struct lab *lab, const struct lbd_flow *flow, uint16_t *ret)
{
	__u64 value = 0;

	for (uint32_t b = 0; b < 2; b++) {
		uint32_t slot =
			lbd_bucket_find(lab->pair.bucket[b], lab->pair.client[b], flow, &value);

		*ret = lbd_value_backend(value);
		if (slot < LBD_BUCKET_SLOTS)
			return b * LBD_BUCKET_SLOTS + slot;
	}
	return SLOTS;
}

static inline uint32_t place(const struct lab *lab, const struct lbd_flow *flow)
{
	uint16_t backend;

	return find(lab, flow, &backend);
}

/* Put a flow straight into a slot, without rules. */
static inline void fill(struct lab *lab, uint32_t slot, uint64_t key, uint64_t value)
{
	lab->buckets[slot / LBD_BUCKET_SLOTS].line.key[slot % LBD_BUCKET_SLOTS] = key;
	lab->buckets[slot / LBD_BUCKET_SLOTS].line.value[slot % LBD_BUCKET_SLOTS] = value;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST6(name) cmocka_unit_test_setup_teardown(name, setup6, teardown)

#endif
