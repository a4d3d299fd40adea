// SPDX-License-Identifier: GPL-2.0-or-later
/* Everything hostile that can stand in a message is refused, by its own reason, without harm. */
#include <malloc.h>
#include <stdlib.h>

#include "wire_examples.h"

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
		CASE(8, "\x01\x03\x02\x0a\x03\xa1n\x04\x09\x05\x01\x06\x00\x07\x00", WRONG_VERSION),
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
		cmocka_unit_test(each_fault_has_its_own_refusal),
		cmocka_unit_test(what_is_not_ours_is_told_at_once),
		cmocka_unit_test(a_message_beyond_the_limit_is_refused_unread),
		cmocka_unit_test(a_name_of_64_bytes_is_too_long),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_message_cut_at_any_byte_is_refused),
		cmocka_unit_test(random_mutations_do_no_harm_and_take_no_memory),
		cmocka_unit_test(every_refusal_has_a_name_and_a_sentence),
	};

	return cmocka_run_group_tests_name("wire_refusals", tests, NULL, NULL);
}
