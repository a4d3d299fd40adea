// SPDX-License-Identifier: GPL-2.0-or-later
/* Fragments that wait for their first: bounds of memory and time, and what a datagram is told by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fragments/hold.h"
#include "fragments/read.h"

#define TIMEOUT_MS 2000
#define SIZE 100

struct seen {
	uint32_t ready; /* id of the datagram whose first has come */
	uint32_t offsets[8], count;
};

static struct lbd_fragment_key key_of(uint32_t id)
{
	struct lbd_fragment_key key = { .id = id, .protocol = 17 };

	return key;
}

static int add(struct hold *hold, uint32_t id, uint32_t offset, int64_t now_ms)
{
	const struct lbd_fragment_key key = key_of(id);
	const uint8_t frame[SIZE] = { (uint8_t)id };

	return hold_add(hold, &key, 1, offset, frame, sizeof(frame), now_ms);
}

static bool is_ready(void *context, const struct lbd_fragment_key *key)
{
	const struct seen *seen = context;

	return key->id == seen->ready;
}

static void note(void *context, const struct lbd_fragment_key *key, const struct hold_frame *frame)
{
	struct seen *seen = context;

	assert_int_equal(key->id, seen->ready);
	assert_int_equal(frame->size, SIZE);
	assert_int_equal(frame->bytes[0], key->id);
	seen->offsets[seen->count++ % 8] = frame->offset;
}

static void a_datagrams_fragments_go_by_their_offsets(void **state)
{
	struct hold *hold = hold_new(1 << 20, TIMEOUT_MS);
	struct seen seen = { .ready = 7 };

	(void)state;
	assert_int_equal(add(hold, 7, 2400, 0), 0);
	assert_int_equal(add(hold, 8, 800, 0), 0);
	assert_int_equal(add(hold, 7, 1600, 1), 0);
	assert_int_equal(add(hold, 7, 800, 2), 0);
	assert_int_equal(hold_release(hold, is_ready, note, &seen), 3);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.offsets[0], 800);
	assert_int_equal(seen.offsets[1], 1600);
	assert_int_equal(seen.offsets[2], 2400);
	assert_int_equal(hold_release(hold, is_ready, note, &seen), 0);
	assert_false(hold_is_empty(hold));
	hold_free(hold);
}

static void the_bound_of_memory_holds_for_small_ones_too(void **state)
{
	struct hold *hold = hold_new(10 * HOLD_CHARGE_MIN, TIMEOUT_MS);
	struct seen seen = { .ready = 3 };

	(void)state;
	for (uint32_t id = 0; id < 10; id++)
		assert_int_equal(add(hold, id, 8, 0), 0);
	assert_int_equal(hold_used(hold), 10 * HOLD_CHARGE_MIN);
	assert_int_equal(add(hold, 10, 8, 0), -ENOBUFS);
	assert_int_equal(add(hold, 3, 16, 0), -ENOBUFS);
	assert_int_equal(hold_release(hold, is_ready, note, &seen), 1);
	assert_int_equal(add(hold, 10, 8, 0), 0);
	hold_free(hold);
}

static void the_time_counts_from_a_datagrams_first_to_come(void **state)
{
	struct hold *hold = hold_new(1 << 20, TIMEOUT_MS);

	(void)state;
	assert_int_equal(add(hold, 1, 8, 0), 0);
	assert_int_equal(add(hold, 2, 8, 500), 0);
	assert_int_equal(add(hold, 1, 16, 1900), 0);
	assert_int_equal(hold_expire(hold, TIMEOUT_MS - 1), 0);
	assert_int_equal(hold_expire(hold, TIMEOUT_MS), 2);
	assert_int_equal(hold_expire(hold, TIMEOUT_MS + 500), 1);
	assert_true(hold_is_empty(hold));
	assert_int_equal(hold_used(hold), 0);
	hold_free(hold);
	hold_free(NULL);
}

/* --- which datagram a frame belongs to */

#define LINK "\x02\0\0\0\0\1\x02\0\0\0\0\2"
#define IPV4(place)                                                               \
	"\x45\0\0\x1c\x12\x34" place "\x40\x11\0\0\xc6\x33\x64\x07\xc0\0\x02\x01" \
	"datadata"
#define IPV6(next)                                 \
	"\x60\0\0\0\0\x18" next "\x40"             \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define FRAGMENT "\x11\0\0\x11\xde\xad\xbe\xef" /* offset 16, more */

static void an_ipv4_fragment_is_told_by_id_and_protocol(void **state)
{
	static const char plain[] = LINK "\x08\0" IPV4("\x20\x02");
	static const char tagged[] = LINK "\x88\xa8\0\7\x81\0\0\7\x08\0" IPV4("\0\x02");
	static const char first[] = LINK "\x08\0" IPV4("\x20\0");
	struct lbd_fragment_key key, same;
	uint32_t offset;

	(void)state;
	assert_true(fragments_read((const uint8_t *)plain, sizeof(plain) - 1, &key, &offset));
	assert_int_equal(offset, 16);
	assert_memory_equal(&key.id, "\x12\x34\0\0", 4);
	assert_int_equal(key.protocol, 17);
	assert_true(lbd_addr_is4(&key.client));
	assert_memory_equal(&key.vip.words[3], "\xc0\0\x02\x01", 4);
	assert_true(fragments_read((const uint8_t *)tagged, sizeof(tagged) - 1, &same, &offset));
	assert_memory_equal(&key, &same, sizeof(key));
	assert_false(fragments_read((const uint8_t *)first, sizeof(first) - 1, &key, &offset));
}

static void an_ipv6_fragment_is_told_by_id_alone(void **state)
{
	static const char plain[] = LINK "\x86\xdd" IPV6("\x2c") FRAGMENT "datadata";
	static const char behind[] = LINK "\x86\xdd" IPV6("\0") "\x2c\0\1\4\0\0\0\0" FRAGMENT;
	struct lbd_fragment_key key, same;
	uint32_t offset;

	(void)state;
	assert_true(fragments_read((const uint8_t *)plain, sizeof(plain) - 1, &key, &offset));
	assert_int_equal(offset, 16);
	assert_memory_equal(&key.id, "\xde\xad\xbe\xef", 4);
	assert_int_equal(key.protocol, 0);
	assert_true(fragments_read((const uint8_t *)behind, sizeof(behind) - 1, &same, &offset));
	assert_memory_equal(&key, &same, sizeof(key));
}

static void a_frame_cut_short_anywhere_is_no_fragment(void **state)
{
	static const char whole[] =
		LINK "\x88\xa8\0\7\x81\0\0\7\x86\xdd" IPV6("\0") "\x2c\0\1\4\0\0\0\0" FRAGMENT;
	struct lbd_fragment_key key;
	uint32_t offset;

	(void)state;
	for (uint32_t size = 0; size < sizeof(whole) - 1; size++)
		assert_false(fragments_read((const uint8_t *)whole, size, &key, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagrams_fragments_go_by_their_offsets),
		cmocka_unit_test(the_bound_of_memory_holds_for_small_ones_too),
		cmocka_unit_test(the_time_counts_from_a_datagrams_first_to_come),
		cmocka_unit_test(an_ipv4_fragment_is_told_by_id_and_protocol),
		cmocka_unit_test(an_ipv6_fragment_is_told_by_id_alone),
		cmocka_unit_test(a_frame_cut_short_anywhere_is_no_fragment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
