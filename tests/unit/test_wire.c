// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages as bytes: round trips, the worked bytes of PROTOCOL.md, and everything hostile. */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sync/wire.h"

#define PROTOCOL_FILE "sync/PROTOCOL.md"

static struct lbd_addr v4(const char *text)
{
	__be32 addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return lbd_addr_from4(addr);
}

static struct lbd_addr v6(const char *text)
{
	struct lbd_addr addr;

	assert_int_equal(inet_pton(AF_INET6, text, addr.bytes), 1);
	return addr;
}

/* --- one example of each message */

struct example {
	struct wire_message message;
	uint8_t rows[4][64];
};

static void example_dictionary(struct example *example)
{
	struct wire_service service = { 1, v4("192.0.2.80"), htons(443), 6 };
	struct wire_backend backend = { 2, 1, v4("198.51.100.7") };

	wire_put_service(example->rows[0], &service);
	wire_put_backend(example->rows[1], &backend);
	example->message.services = (struct wire_rows){ example->rows[0], WIRE_SERVICE_SIZE, 1 };
	example->message.backends = (struct wire_rows){ example->rows[1], WIRE_BACKEND_SIZE, 1 };
	example->message.dictionary = 1;
}

static void example_records(struct example *example)
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

static void example_make(uint64_t type, struct example *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->message = (struct wire_message){
		.version = 1,
		.type = type,
		.node = "lb1",
		.boot = 0x1122334455667788,
		.conversation = 1,
		.sequence = 5,
		.version_max = 1,
		.round = 2,
		.credit = 64,
		.token = 1000000,
	};
	if (type == WIRE_DICTIONARY)
		example_dictionary(ret);
	else if (type == WIRE_RECORDS)
		example_records(ret);
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

static size_t example_encode(uint64_t type, uint8_t *buffer)
{
	struct example example;
	int size;

	example_make(type, &example);
	size = wire_encode(&example.message, buffer, WIRE_MESSAGE_MAX);
	assert_in_range(size, 1, WIRE_MESSAGE_MAX);
	return (size_t)size;
}

/* --- round trips */

static void every_message_survives_encoding_and_decoding(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		uint8_t bytes[WIRE_MESSAGE_MAX], again[WIRE_MESSAGE_MAX];
		size_t size = example_encode(example_types[i].type, bytes);
		struct wire_message message;

		assert_int_equal(wire_decode(bytes, size, &message), REFUSAL_NONE);
		assert_int_equal(message.type, example_types[i].type);
		assert_string_equal(message.node, "lb1");
		assert_int_equal(message.sequence, 5);
		assert_int_equal(wire_encode(&message, again, sizeof(again)), size);
		assert_memory_equal(bytes, again, size);
	}
}

static void assert_record_equal(const struct wire_record *got, const struct wire_record *expected)
{
	assert_int_equal(got->service, expected->service);
	assert_int_equal(got->backend, expected->backend);
	assert_memory_equal(&got->client, &expected->client, sizeof(got->client));
	assert_int_equal(got->client_port, expected->client_port);
	assert_int_equal(got->vip_port, expected->vip_port);
	assert_int_equal(got->flags, expected->flags);
	assert_int_equal(got->age_ms, expected->age_ms);
}

static void records_survive_with_every_field(void **state)
{
	struct wire_record record = { 0xfff0,	0xfffe, v4("203.0.113.255"), htons(65535),
				      htons(1), 3,	UINT32_MAX };
	struct wire_record got;
	uint8_t row[WIRE_RECORD6_SIZE];

	(void)state;
	wire_put_record4(row, &record);
	wire_get_record4(row, &got);
	assert_record_equal(&got, &record);
	record.client = v6("2001:db8:ffff::1");
	wire_put_record6(row, &record);
	wire_get_record6(row, &got);
	assert_record_equal(&got, &record);
}

static void identities_survive_with_every_field(void **state)
{
	struct wire_service service = { 0xfff0, v6("2001:db8::80"), htons(8080), 17 }, got_service;
	struct wire_backend backend = { 0xffff, 0xfff0, v6("2001:db8::b") }, got_backend;
	uint8_t row[WIRE_SERVICE_SIZE];

	(void)state;
	wire_put_service(row, &service);
	wire_get_service(row, &got_service);
	assert_int_equal(got_service.id, service.id);
	assert_int_equal(got_service.port, service.port);
	assert_int_equal(got_service.protocol, service.protocol);
	assert_memory_equal(&got_service.vip, &service.vip, sizeof(service.vip));
	wire_put_backend(row, &backend);
	wire_get_backend(row, &got_backend);
	assert_memory_equal(&got_backend, &backend, sizeof(backend));
}

static void a_full_message_fits_and_costs_less_than_24_bytes_a_flow(void **state)
{
	static uint8_t rows4[WIRE_RECORDS4_MAX * WIRE_RECORD4_SIZE];
	static uint8_t rows6[WIRE_RECORDS6_MAX * WIRE_RECORD6_SIZE];
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	struct example example;
	int size;

	(void)state;
	example_make(WIRE_HEARTBEAT, &example);
	example.message.type = WIRE_RECORDS;
	example.message.records4 =
		(struct wire_rows){ rows4, WIRE_RECORD4_SIZE, WIRE_RECORDS4_MAX };
	size = wire_encode(&example.message, buffer, sizeof(buffer));
	assert_in_range(size, 1, 24 * WIRE_RECORDS4_MAX);
	example.message.records6 =
		(struct wire_rows){ rows6, WIRE_RECORD6_SIZE, WIRE_RECORDS6_MAX };
	size = wire_encode(&example.message, buffer, sizeof(buffer));
	assert_in_range(size, 1, WIRE_MESSAGE_MAX);
}

static void a_message_that_does_not_fit_is_not_written(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX], small[256];
	size_t size = example_encode(WIRE_RECORDS, bytes);
	struct example example;

	(void)state;
	example_make(WIRE_RECORDS, &example);
	for (size_t room = 0; room < size; room++)
		assert_int_equal(wire_encode(&example.message, small, room), -ENOBUFS);
	assert_int_equal(wire_encode(&example.message, small, size), size);
}

static void more_rows_than_allowed_are_not_written(void **state)
{
	static uint8_t rows[(WIRE_RECORDS4_MAX + 1) * WIRE_RECORD4_SIZE];
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	struct wire_message message = {
		.type = WIRE_RECORDS,
		.records4 = { rows, WIRE_RECORD4_SIZE, WIRE_RECORDS4_MAX + 1 },
	};

	(void)state;
	assert_int_equal(wire_encode(&message, buffer, sizeof(buffer)), -ENOBUFS);
}

/* --- the worked bytes: "### TYPE", then a block of hexadecimal digits with remarks behind # */

static size_t protocol_bytes(FILE *file, uint8_t *ret)
{
	char line[256];
	size_t size = 0;

	while (fgets(line, sizeof(line), file) && strncmp(line, "```", 3) != 0)
		;
	while (fgets(line, sizeof(line), file) && strncmp(line, "```", 3) != 0) {
		const char *at = line;
		unsigned int byte;
		int used;

		while (*at != '#' && sscanf(at, " %2x%n", &byte, &used) == 1) {
			ret[size++] = (uint8_t)byte;
			at += used;
		}
	}
	return size;
}

static size_t protocol_example(const char *name, uint8_t *ret)
{
	FILE *file = fopen(PROTOCOL_FILE, "r");
	char line[256], wanted[64];
	size_t size = 0;

	assert_non_null(file);
	snprintf(wanted, sizeof(wanted), "### %s\n", name);
	while (fgets(line, sizeof(line), file))
		if (strcmp(line, wanted) == 0)
			size = protocol_bytes(file, ret);
	fclose(file);
	return size;
}

static void the_worked_bytes_of_the_specification_are_what_is_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		uint8_t bytes[WIRE_MESSAGE_MAX], written[1024];
		size_t size = example_encode(example_types[i].type, bytes);

		print_message("%s\n", example_types[i].name);
		assert_int_equal(protocol_example(example_types[i].name, written), size);
		assert_memory_equal(written, bytes, size);
	}
}

/* --- versions to come */

/* A message of @pairs pairs that begins as ours do; the rest is up to the caller. */
static size_t start_message(uint8_t *bytes, uint8_t pairs)
{
	static const uint8_t magic[] = { 0x00, 0xce, 'l', 'b', 'd', 's' };

	bytes[0] = 0x80 | pairs;
	memcpy(bytes + 1, magic, sizeof(magic));
	return 1 + sizeof(magic);
}

static size_t append(uint8_t *bytes, size_t at, const char *tail, size_t size)
{
	memcpy(bytes + at, tail, size);
	return at + size;
}

#define APPEND(bytes, at, literal) append(bytes, at, literal, sizeof(literal) - 1)

/* Everything a BYE needs, as 7 pairs. */
#define BYE_FIELDS "\x01\x01\x02\x0a\x03\xa1n\x04\x09\x05\x01\x06\x00\x07\x00"

static void unknown_fields_are_passed_over(void **state)
{
	uint8_t bytes[256];
	size_t size = start_message(bytes, 11);
	struct wire_message message;

	(void)state;
	size = APPEND(bytes, size, "\x3c\x93\x01\xc0\x81\xa1k\xcb\x40\x00\x00\x00\x00\x00\x00\x00");
	size = APPEND(bytes, size, "\xcd\x03\xe8\xc7\x02\x05\xaa\xbb");
	size = APPEND(bytes, size, BYE_FIELDS);
	size = APPEND(bytes, size, "\x3d\xd1\xff\xff");
	assert_int_equal(wire_decode(bytes, size, &message), REFUSAL_NONE);
	assert_int_equal(message.type, WIRE_BYE);
	assert_int_equal(message.boot, 9);
}

static void rows_of_a_newer_sender_may_be_longer(void **state)
{
	uint8_t longer[2 * (WIRE_RECORD4_SIZE + 3)] = { 0 }, bytes[256];
	struct wire_message message;
	struct wire_record record = { .service = 7, .backend = 8, .client = v4("203.0.113.1") };
	struct example example;
	int size;

	(void)state;
	example_make(WIRE_HEARTBEAT, &example);
	example.message.type = WIRE_RECORDS;
	wire_put_record4(longer + WIRE_RECORD4_SIZE + 3, &record);
	example.message.records4 = (struct wire_rows){ longer, WIRE_RECORD4_SIZE + 3, 2 };
	size = wire_encode(&example.message, bytes, sizeof(bytes));
	assert_int_equal(wire_decode(bytes, (size_t)size, &message), REFUSAL_NONE);
	assert_int_equal(message.records4.count, 2);
	wire_get_record4(wire_row(&message.records4, 1), &record);
	assert_int_equal(record.service, 7);
	assert_int_equal(record.backend, 8);
}

/* --- refusals: each with the bytes that deserve it */

static void each_fault_has_its_own_refusal(void **state)
{
	static const struct {
		const char *tail;
		size_t size;
		uint8_t pairs;
		enum refusal refusal;
	} cases[] = {
#define CASE(pairs, tail, refusal) { tail, sizeof(tail) - 1, pairs, REFUSAL_##refusal }
		CASE(8, BYE_FIELDS, NONE),
		CASE(8, BYE_FIELDS "\x00", TRAILING),
		CASE(9, BYE_FIELDS, TRUNCATED),
		CASE(7, "\x01\x01\x02\x0a\x03\xa1n\x04\x09\x05\x01\x06\x00", MISSING),
		CASE(8, "\x01\x02\x02\x0a\x03\xa1n\x04\x09\x05\x01\x06\x00\x07\x00", WRONG_VERSION),
		CASE(8, "\x01\x00\x02\x0a\x03\xa1n\x04\x09\x05\x01\x06\x00\x07\x00", WRONG_VERSION),
		CASE(2, "\x01\xa1x", BAD_TYPE),
		CASE(2, "\x01\xc1", BAD_TYPE),
		CASE(2, "\xa1x\x01", BAD_TYPE),
		CASE(2, "\x02\x20", OUT_OF_RANGE),
		CASE(2, "\x03\xa2n\x1b", OUT_OF_RANGE),
		CASE(2, "\x01\xcd\x01\x00", OUT_OF_RANGE),
		CASE(3, "\x01\x01\x01\x01", DUPLICATE),
		CASE(2, "\x1a\xc4\x00", BAD_ROWS),
		CASE(2, "\x1a\xc4\x01\x00", BAD_ROWS),
		CASE(2, "\x1a\xc4\x02\x11\x00", BAD_ROWS),
		CASE(2, "\x1a\xc4\x02\x12\x00", BAD_ROWS),
		CASE(2, "\x1a\xc6\xff\xff\xff\xff", TRUNCATED),
		CASE(2, "\x3c\xdd\xff\xff\xff\xff", TRUNCATED),
		CASE(2, "\x3c\xdf\xff\xff\xff\xff", TRUNCATED),
		CASE(2, "\x3c\xdb\xff\xff\xff\xff", TRUNCATED),
		CASE(2, "\x3c\xc9\xff\xff\xff\xff\x01", TRUNCATED),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[256];
		size_t size = start_message(bytes, cases[i].pairs);
		struct wire_message message;

		size = append(bytes, size, cases[i].tail, cases[i].size);
		print_message("case %zu: %s\n", i, refusal_name(cases[i].refusal));
		assert_string_equal(refusal_name(wire_decode(bytes, size, &message)),
				    refusal_name(cases[i].refusal));
	}
}

static void what_is_not_ours_is_told_at_once(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} foreign[] = {
#define FOREIGN(bytes) { bytes, sizeof(bytes) - 1 }
		FOREIGN("GET / HTTP/1.1\r\n"),
		FOREIGN("\x80"),
		FOREIGN("\x81\x00\x05"),
		FOREIGN("\xc0"),
		FOREIGN("\x81\xa1k\x01"),
		FOREIGN("\x93\x01\x02\x03"),
		FOREIGN("\x81\x01\xce\x6c\x62\x64\x73"),
#undef FOREIGN
	};
	struct wire_message message;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_string_equal(refusal_name(wire_decode((const uint8_t *)foreign[i].bytes,
							     foreign[i].size, &message)),
				    "not_lbd");
}

static void a_message_beyond_the_limit_is_refused_unread(void **state)
{
	uint8_t *bytes = calloc(1, WIRE_MESSAGE_MAX + 1);
	struct wire_message message;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(wire_decode(bytes, WIRE_MESSAGE_MAX + 1, &message), REFUSAL_TOO_LONG);
	free(bytes);
}

static void a_name_of_64_bytes_is_too_long(void **state)
{
	uint8_t bytes[256];
	size_t size = start_message(bytes, 2);
	struct wire_message message;

	(void)state;
	size = APPEND(bytes, size, "\x03\xd9\x40");
	memset(bytes + size, 'n', 64);
	assert_int_equal(wire_decode(bytes, size + 64, &message), REFUSAL_TOO_LONG);
}

static void deep_nesting_is_refused(void **state)
{
	uint8_t *bytes = malloc(WIRE_MESSAGE_MAX);
	size_t size;
	struct wire_message message;

	(void)state;
	assert_non_null(bytes);
	size = start_message(bytes, 2);
	bytes[size++] = 0x3c;
	memset(bytes + size, 0x91, WIRE_MESSAGE_MAX - size);
	assert_int_equal(wire_decode(bytes, WIRE_MESSAGE_MAX, &message), REFUSAL_TOO_DEEP);
	free(bytes);
}

/* In memory of exactly its size, so that the sanitizer sees every byte read too far. */
static enum refusal decode_exact(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct wire_message message;
	enum refusal refusal;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	refusal = wire_decode(copy, size, &message);
	if (!refusal)
		for (uint32_t i = 0; i < message.records4.count; i++) {
			struct wire_record record;

			wire_get_record4(wire_row(&message.records4, i), &record);
		}
	free(copy);
	return refusal;
}

static void a_message_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		uint8_t bytes[WIRE_MESSAGE_MAX];
		size_t size = example_encode(example_types[i].type, bytes);

		for (size_t cut = 0; cut < size; cut++)
			assert_int_not_equal(decode_exact(bytes, cut), REFUSAL_NONE);
	}
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

#define MUTATIONS 200000

static void random_mutations_do_no_harm_and_take_no_memory(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	uint64_t seed = 1, refused = 0;
	size_t before = mallinfo2().uordblks;

	(void)state;
	for (int n = 0; n < MUTATIONS; n++) {
		size_t size = example_encode(example_types[(size_t)n % EXAMPLES].type, bytes);
		uint32_t changes = 1 + next_random(&seed) % 8;

		while (changes-- > 0)
			bytes[next_random(&seed) % size] = (uint8_t)next_random(&seed);
		refused += decode_exact(bytes, size) != REFUSAL_NONE;
	}
	assert_in_range(refused, MUTATIONS / 2, MUTATIONS);
	assert_in_range(mallinfo2().uordblks, 0, before + 65536);
}

static void every_refusal_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (int i = REFUSAL_NONE; i < REFUSAL_COUNT; i++) {
		assert_non_null(refusal_name((enum refusal)i));
		assert_non_null(refusal_sentence((enum refusal)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_survives_encoding_and_decoding),
		cmocka_unit_test(records_survive_with_every_field),
		cmocka_unit_test(identities_survive_with_every_field),
		cmocka_unit_test(a_full_message_fits_and_costs_less_than_24_bytes_a_flow),
		cmocka_unit_test(a_message_that_does_not_fit_is_not_written),
		cmocka_unit_test(more_rows_than_allowed_are_not_written),
		cmocka_unit_test(the_worked_bytes_of_the_specification_are_what_is_sent),
		cmocka_unit_test(unknown_fields_are_passed_over),
		cmocka_unit_test(rows_of_a_newer_sender_may_be_longer),
		cmocka_unit_test(each_fault_has_its_own_refusal),
		cmocka_unit_test(what_is_not_ours_is_told_at_once),
		cmocka_unit_test(a_message_beyond_the_limit_is_refused_unread),
		cmocka_unit_test(a_name_of_64_bytes_is_too_long),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_message_cut_at_any_byte_is_refused),
		cmocka_unit_test(random_mutations_do_no_harm_and_take_no_memory),
		cmocka_unit_test(every_refusal_has_a_name_and_a_sentence),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
