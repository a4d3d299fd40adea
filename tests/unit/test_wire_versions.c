// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of the versions that were released: their frozen bytes are decoded as
 * they were, and those of version 2 say when what is sent today changes.
 */
#include <stdbool.h>

#include "wire_frozen.h"

static void check_header(const struct wire_message *message, uint64_t version, uint64_t type)
{
	assert_int_equal(message->version, version);
	assert_int_equal(message->type, type);
	assert_string_equal(message->node, "lb1");
	assert_int_equal(message->boot, 0x1122334455667788);
	assert_int_equal(message->conversation, 1);
	assert_int_equal(message->sequence, 5);
}

static void check_rows(const struct wire_message *message)
{
	struct wire_record record;
	struct wire_backend backend;

	if (message->records4.count) {
		wire_get_record4(wire_row(&message->records4, 0), &record);
		assert_int_equal(record.backend, 2);
		assert_int_equal(record.age_ms, 1500);
		assert_int_equal(ntohs(record.client_port), 40000);
	}
	if (message->backends.count) {
		wire_get_backend(wire_row(&message->backends, 0), &backend);
		assert_int_equal(backend.service, 1);
		assert_true(lbd_addr_is4(&backend.addr));
	}
}

static void the_frozen_bytes_of_version_1_are_decoded_as_they_were(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_message message;

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		if (example_types[i].type > WIRE_BYE)
			continue;
		print_message("%s\n", example_types[i].name);
		assert_int_equal(
			wire_decode(bytes, frozen_read(1, example_types[i].name, bytes), &message),
			REFUSAL_NONE);
		check_header(&message, 1, example_types[i].type);
		assert_int_equal(message.role, WIRE_ROLE_UNKNOWN);
		assert_int_equal(message.term, 0);
		check_rows(&message);
	}
}

/* As example_make, with everything that version 2 may say. */
static void example_make2(uint64_t type, struct example *ret)
{
	example_make(type, ret);
	ret->message.version = 2;
	ret->message.term = 7;
	ret->message.role = WIRE_ROLE_ACTIVE;
	ret->message.term_ms = 86400000;
	ret->message.term_known = 8;
	ret->message.ended_ms = 1000;
	ret->message.consumed = 63;
}

/* Of a type that is new: freeze it, once it is released. Of another: it is in the field. */
static void what_is_sent_today_is_what_was_frozen_of_version_2(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX], frozen[WIRE_MESSAGE_MAX];
	struct example example;

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		size_t size = frozen_read(2, example_types[i].name, frozen);

		print_message("%s\n", example_types[i].name);
		example_make2(example_types[i].type, &example);
		assert_int_equal(wire_encode(&example.message, bytes, sizeof(bytes)), size);
		assert_memory_equal(bytes, frozen, size);
	}
}

static void the_frozen_bytes_of_version_2_are_decoded(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_message message;

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		assert_int_equal(
			wire_decode(bytes, frozen_read(2, example_types[i].name, bytes), &message),
			REFUSAL_NONE);
		check_header(&message, 2, example_types[i].type);
		assert_int_equal(message.term, 7);
		assert_int_equal(message.term_known, 8);
		check_rows(&message);
	}
}

static void what_follows_in_a_header_to_come_is_passed_over(void **state)
{
	uint8_t bytes[256];
	size_t size = start_message(bytes, 10);
	struct wire_message message;

	(void)state;
	size = APPEND(bytes, size,
		      "\x0c\xa3"
		      "new"
		      "\x0f\xcc\xff");
	size = APPEND(bytes, size, BYE_FIELDS);
	assert_int_equal(wire_decode(bytes, size, &message), REFUSAL_NONE);
	assert_int_equal(message.type, WIRE_BYE);
}

/* Version 2 had no such key at first, and its readers pass over it: optional for ever. */
static void a_release_is_told_with_hello_and_welcome_alone(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_message message;
	struct example example;

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		uint64_t type = example_types[i].type;
		bool told = type == WIRE_HELLO || type == WIRE_WELCOME;
		int size;

		example_make(type, &example);
		strcpy(example.message.release, "1.2.3");
		size = wire_encode(&example.message, bytes, sizeof(bytes));
		assert_int_equal(wire_decode(bytes, (size_t)size, &message), REFUSAL_NONE);
		assert_string_equal(message.release, told ? "1.2.3" : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_frozen_bytes_of_version_1_are_decoded_as_they_were),
		cmocka_unit_test(what_is_sent_today_is_what_was_frozen_of_version_2),
		cmocka_unit_test(the_frozen_bytes_of_version_2_are_decoded),
		cmocka_unit_test(what_follows_in_a_header_to_come_is_passed_over),
		cmocka_unit_test(a_release_is_told_with_hello_and_welcome_alone),
	};

	return cmocka_run_group_tests_name("wire_versions", tests, NULL, NULL);
}
