/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One example of each message, and messages made byte by byte. */
#ifndef TESTS_UNIT_WIRE_EXAMPLES_H
#define TESTS_UNIT_WIRE_EXAMPLES_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sync/wire.h"

static inline struct lbd_addr v4(const char *text)
{
	__be32 addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return lbd_addr_from4(addr);
}

static inline struct lbd_addr v6(const char *text)
{
	struct lbd_addr addr;

	assert_int_equal(inet_pton(AF_INET6, text, addr.bytes), 1);
	return addr;
}

struct example {
	struct wire_message message;
	uint8_t rows[6][64];
};

static inline void example_dictionary(struct example *example)
{
	struct wire_service service = { 1, v4("192.0.2.80"), htons(443), 6 };
	struct wire_backend backend = { 2, 1, v4("198.51.100.7") };

	wire_put_service(example->rows[0], &service);
	wire_put_backend(example->rows[1], &backend);
	example->message.services = (struct wire_rows){ example->rows[0], WIRE_SERVICE_SIZE, 1 };
	example->message.backends = (struct wire_rows){ example->rows[1], WIRE_BACKEND_SIZE, 1 };
	example->message.dictionary = 1;
}

static inline void example_records(struct example *example)
{
	struct wire_record record4 = { 1, 2, v4("203.0.113.9"), htons(40000), htons(443), 0, 1500 };
	struct wire_record record6 = {
		3, 4, v6("2001:db8::9"), htons(50000), htons(53), WIRE_CONN_UDP, 0
	};

	wire_put_record4(example->rows[2], &record4);
	wire_put_record6(example->rows[3], &record6);
	example->message.records4 = (struct wire_rows){ example->rows[2], WIRE_RECORD4_SIZE, 1 };
	example->message.records6 = (struct wire_rows){ example->rows[3], WIRE_RECORD6_SIZE, 1 };
}

static inline void example_digest(struct example *example)
{
	static const uint8_t sum[WIRE_SUM_SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	memcpy(example->rows[4], sum, sizeof(sum));
	example->message.sums = (struct wire_rows){ example->rows[4], WIRE_SUM_SIZE, 1 };
	example->message.first_region = 2048;
}

static inline void example_repair(struct example *example)
{
	static const uint8_t region[WIRE_REGION_SIZE] = { 0x0a, 0xbc };

	memcpy(example->rows[5], region, sizeof(region));
	example->message.regions = (struct wire_rows){ example->rows[5], WIRE_REGION_SIZE, 1 };
	example->message.agreed = 4094;
	example->message.unsettled = 1;
}

static inline void example_make(uint64_t type, struct example *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->message = (struct wire_message){
		.version = 1,
		.type = type,
		.node = "lb1",
		.boot = 0x1122334455667788,
		.conversation = 1,
		.sequence = 5,
		.version_max = 2,
		.round = 2,
		.credit = 64,
		.token = 1000000,
		.pass = 3,
		.sample = 100,
	};
	if (type == WIRE_DICTIONARY)
		example_dictionary(ret);
	else if (type == WIRE_RECORDS || type == WIRE_SAMPLE)
		example_records(ret);
	else if (type == WIRE_DIGEST)
		example_digest(ret);
	else if (type == WIRE_REPAIR)
		example_repair(ret);
	else if (type == WIRE_RESET)
		strcpy(ret->message.reason, "out_of_order");
}

static const struct {
	const char *name;
	uint64_t type;
} example_types[] = {
#define X(constant, number) { #constant, number },
	WIRE_TYPES(X)
#undef X
};

#define EXAMPLES (sizeof(example_types) / sizeof(example_types[0]))

static inline size_t example_encode(uint64_t type, uint8_t *buffer)
{
	struct example example;
	int size;

	example_make(type, &example);
	size = wire_encode(&example.message, buffer, WIRE_MESSAGE_MAX);
	assert_in_range(size, 1, WIRE_MESSAGE_MAX);
	return (size_t)size;
}

/* A message of @pairs pairs that begins as ours do; the rest is up to the caller. */
static inline size_t start_message(uint8_t *bytes, uint8_t pairs)
{
	static const uint8_t magic[] = { 0x00, 0xce, 'l', 'b', 'd', 's' };

	bytes[0] = 0x80 | pairs;
	memcpy(bytes + 1, magic, sizeof(magic));
	return 1 + sizeof(magic);
}

static inline size_t append(uint8_t *bytes, size_t at, const char *tail, size_t size)
{
	memcpy(bytes + at, tail, size);
	return at + size;
}

#define APPEND(bytes, at, literal) append(bytes, at, literal, sizeof(literal) - 1)

/* Everything a BYE needs, as 7 pairs. */
#define BYE_FIELDS "\x01\x01\x02\x0a\x03\xa1n\x04\x09\x05\x01\x06\x00\x07\x00"

#endif
