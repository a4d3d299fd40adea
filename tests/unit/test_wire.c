// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages as bytes: round trips, the worked bytes of PROTOCOL.md, versions to come. */
#include <errno.h>

#include "wire_examples.h"

#define PROTOCOL_FILE "sync/PROTOCOL.md"

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
	assert_int_equal(got_backend.id, backend.id);
	assert_int_equal(got_backend.service, backend.service);
	assert_memory_equal(&got_backend.addr, &backend.addr, sizeof(backend.addr));
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

static void a_conversation_that_goes_on_says_with_whom(void **state)
{
	static const struct {
		const char *name;
		uint64_t type;
	} examples[] = { { "HELLO, going on", WIRE_HELLO }, { "WELCOME, going on", WIRE_WELCOME } };

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		uint8_t bytes[WIRE_MESSAGE_MAX], written[1024];
		struct wire_message message;
		struct example example;
		int size;

		example_make(examples[i].type, &example);
		example.message.resumes = 0x99aabbccddeeff01;
		size = wire_encode(&example.message, bytes, sizeof(bytes));
		assert_int_equal(protocol_example(examples[i].name, written), size);
		assert_memory_equal(written, bytes, size);
		assert_int_equal(wire_decode(bytes, (size_t)size, &message), REFUSAL_NONE);
		assert_int_equal(message.resumes, 0x99aabbccddeeff01);
	}
}

/* --- versions to come */

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
		cmocka_unit_test(a_conversation_that_goes_on_says_with_whom),
		cmocka_unit_test(unknown_fields_are_passed_over),
		cmocka_unit_test(rows_of_a_newer_sender_may_be_longer),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
