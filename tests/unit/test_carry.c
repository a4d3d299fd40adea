// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries on their way into a table of another size: bit for bit, also while
 * others write, and the dearest of them where there is no room for all. Plain
 * memory; what a whole set of maps does is in test_next.c.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "sync_fixture.h"

#include "dataplane/carry.h"

#define SALT 0x1234567
#define SMALL 16384U
#define LARGE 65536U

static uint64_t random_state = 42;

static uint64_t random_word(void)
{
	random_state += 0x9e3779b97f4a7c15ULL;
	return lbd_mix(random_state);
}

/* The n-th connection; every other one is IPv6. */
static struct table_entry connection(uint32_t n)
{
	struct table_entry entry = {
		.client =
			n % 2 ? fixture_addr("2001:db8::") : lbd_addr_from4(htonl(0x0a000000 + n)),
		.client_port = (__be16)(n * 7),
		.vip_port = htons(443),
		.service = (uint16_t)(1 + n % 5),
	};

	if (n % 2)
		entry.client.words[3] = htonl(n);
	return entry;
}

static uint64_t any_value(uint32_t now)
{
	const uint64_t word = random_word();
	const uint64_t flags = LBD_CONN_CONFIRMED | (word & (LBD_CONN_FLAGS & ~LBD_CONN_CLOSING));

	return lbd_value_make((uint16_t)(1 + word % 1000), htons(443), flags,
			      now - (uint32_t)(word >> 56) % 50);
}

static void fill(const struct tables *tables, uint32_t count)
{
	const uint32_t now = tables_now(tables);

	for (uint32_t n = 0; n < count; n++) {
		struct table_entry entry = connection(n);
		const uint64_t value = any_value(now);

		entry.backend = lbd_value_backend(value);
		entry.flags = value & LBD_CONN_FLAGS;
		entry.tick = lbd_value_tick(value);
		assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
	}
}

/* The carriers of both tables. */
struct carriers {
	struct carry ipv4, ipv6;
};

static void carriers_open(struct carriers *c, const struct tables *from, const struct tables *to)
{
	const struct carry_source source4 = { .memory = (const uint8_t *)from->conn4,
					      .bucket_size = sizeof(struct lbd_bucket),
					      .buckets = from->conn4_buckets };
	const struct carry_source source6 = { .memory = (const uint8_t *)from->conn6,
					      .bucket_size = sizeof(struct lbd_bucket6),
					      .buckets = from->conn6_buckets };
	const struct carry_target target4 = {
		.tables = to, .lines = to->conn4, .buckets = to->conn4_buckets, .dirty = to->dirty4
	};
	const struct carry_target target6 = {
		.tables = to, .both = to->conn6, .buckets = to->conn6_buckets, .dirty = to->dirty6
	};

	assert_int_equal(carry_open(&c->ipv4, &source4, &target4, true), 0);
	assert_int_equal(carry_open(&c->ipv6, &source6, &target6, true), 0);
}

static uint64_t carriers_pass(struct carriers *c, bool alone)
{
	return carry_pass(&c->ipv4, alone) + carry_pass(&c->ipv6, alone);
}

static void carriers_prove(struct carriers *c)
{
	carry_prove(&c->ipv4);
	carry_prove(&c->ipv6);
}

static struct carry_count carriers_count(struct carriers *c, bool alone)
{
	struct carry_count count = { 0 };

	carry_count(&c->ipv4, alone, &count);
	carry_count(&c->ipv6, alone, &count);
	return count;
}

static void carriers_close(struct carriers *c)
{
	carry_close(&c->ipv4);
	carry_close(&c->ipv6);
}

/* Of @count connections, how many does @to not have word for word as @from? */
static uint32_t differing(const struct tables *from, const struct tables *to, uint32_t count)
{
	uint32_t wrong = 0;

	for (uint32_t n = 0; n < count; n++) {
		const struct table_entry flow = connection(n);
		__u64 was = 0, is = 1;

		if (tables_find_value(from, &flow, &was))
			wrong += !tables_find_value(to, &flow, &is) || was != is;
	}
	return wrong;
}

static uint64_t entries_of(const struct tables *tables)
{
	uint64_t ipv4, ipv6;

	tables_count(tables, &ipv4, &ipv6);
	return ipv4 + ipv6;
}

static void a_table_grows_and_shrinks_bit_for_bit(void **state)
{
	const uint32_t count = 20000; /* with more, two buckets might be full */
	struct tables small, large, again;
	struct carriers up, down;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&again, SMALL, SALT);
	fill(&small, count);
	carriers_open(&up, &small, &large);
	assert_int_equal(carriers_pass(&up, true), count);
	assert_int_equal(differing(&small, &large, count), 0);
	assert_int_equal(entries_of(&large), count);
	carriers_open(&down, &large, &again);
	assert_int_equal(carriers_pass(&down, true), count);
	assert_int_equal(differing(&small, &again, count), 0);
	assert_int_equal(carriers_count(&down, true).live, 0);
	carriers_close(&up);
	carriers_close(&down);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
	fixture_tables_free(&again);
}

static void a_later_pass_carries_what_changed_and_nothing_else(void **state)
{
	struct table_entry entry = connection(7);
	struct tables small, large;
	struct carriers up;
	__u64 *word, value;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	fill(&small, 1000);
	carriers_open(&up, &small, &large);
	assert_int_equal(carriers_pass(&up, true), 1000);
	assert_int_equal(carriers_pass(&up, true), 0);
	word = tables_find_value(&small, &entry, &value);
	assert_non_null(word);
	*word = lbd_value_with_tick(value | LBD_CONN_CLOSING, lbd_value_tick(value) + 1);
	assert_int_equal(carriers_pass(&up, true), 1);
	assert_int_equal(differing(&small, &large, 1000), 0);
	carriers_close(&up);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
}

/* --- too small a table */

static uint32_t missing(const struct tables *from, const struct tables *to, uint32_t count)
{
	uint32_t absent = 0;

	for (uint32_t n = 0; n < count; n++) {
		const struct table_entry flow = connection(n);
		__u64 value;

		absent += tables_find_value(from, &flow, &value) &&
			  !tables_find_value(to, &flow, &value);
	}
	return absent;
}

static void what_has_no_room_is_counted(void **state)
{
	const uint32_t count = 30000;
	struct carry_count left;
	struct tables large, small;
	struct carriers down;

	(void)state;
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&small, 2048, SALT);
	fill(&large, count);
	carriers_open(&down, &large, &small);
	carriers_pass(&down, true);
	carriers_prove(&down);
	left = carriers_count(&down, false);
	printf("[          ] 2 x 8192 slots for %u entries: %llu have no room\n", count,
	       (unsigned long long)left.live);
	assert_int_equal(left.entries, count);
	/* Every slot holds one, and none of the wrong ones is there. */
	assert_in_range(entries_of(&small), 16300, 16384);
	assert_int_equal(left.live + left.idle + entries_of(&small), count);
	assert_int_equal(missing(&large, &small, count), left.live + left.idle);
	carriers_close(&down);
	fixture_tables_free(&large);
	fixture_tables_free(&small);
}

/* As full as nine of ten slots, which is more than whoever only inserts can make it. */
static void a_table_that_is_nearly_full_takes_them_all(void **state)
{
	const uint32_t count = 2 * 4096 * 4 * 9 / 10;
	struct carry_count left;
	struct tables large, small;
	struct carriers down;

	(void)state;
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&small, 4096, SALT);
	fill(&large, count);
	carriers_open(&down, &large, &small);
	carriers_pass(&down, true);
	left = carriers_count(&down, true);
	assert_int_equal(left.entries, count);
	assert_int_equal(left.live + left.idle, 0);
	assert_int_equal(entries_of(&small), count);
	assert_int_equal(differing(&large, &small, count), 0);
	carriers_close(&down);
	fixture_tables_free(&large);
	fixture_tables_free(&small);
}

/* Put connection @n with @flags, idle for @idle ticks. */
static void put(const struct tables *tables, uint32_t n, uint64_t flags, uint32_t idle)
{
	struct table_entry entry = connection(n);

	entry.backend = 1;
	entry.flags = flags;
	entry.tick = (tables_now(tables) - idle) & LBD_TICK_MASK;
	assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
}

/* Connections come all the time: between the last pass and the count, too. */
static void what_came_since_the_last_pass_has_room(void **state)
{
	struct carry_count left;
	struct tables small, large;
	struct carriers up;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	fill(&small, 1000);
	carriers_open(&up, &small, &large);
	assert_int_equal(carriers_pass(&up, true), 1000);
	for (uint32_t n = 1000; n < 1100; n++)
		put(&small, n, LBD_CONN_CONFIRMED, 0);
	left = carriers_count(&up, false);
	assert_int_equal(left.entries, 1100);
	assert_int_equal(left.live, 100);
	left = carriers_count(&up, true);
	assert_int_equal(left.entries, 1100);
	assert_int_equal(left.live + left.idle, 0);
	assert_int_equal(differing(&small, &large, 1100), 0);
	carriers_close(&up);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
}

static void what_is_idle_gives_way_and_live_ones_stay(void **state)
{
	const uint32_t idle = 4000, live = 1000;
	struct carry_count left;
	struct tables large, small;
	struct carriers down;

	(void)state;
	fixture_tables(&large, LARGE, SALT);
	fixture_tables(&small, 512, SALT);
	for (uint32_t n = 0; n < idle; n++)
		put(&large, n, n % 3 ? 0 : LBD_CONN_CONFIRMED, 950);
	for (uint32_t n = idle; n < idle + live; n++)
		put(&large, n, LBD_CONN_CONFIRMED, 20);
	carriers_open(&down, &large, &small);
	carriers_pass(&down, true);
	left = carriers_count(&down, true);
	assert_int_equal(left.entries, idle + live);
	assert_int_equal(left.live, 0);
	assert_int_not_equal(left.idle, 0);
	for (uint32_t n = idle; n < idle + live; n++) {
		const struct table_entry flow = connection(n);
		__u64 value;

		assert_non_null(tables_find_value(&small, &flow, &value));
	}
	carriers_close(&down);
	fixture_tables_free(&large);
	fixture_tables_free(&small);
}

/* --- both programs write */

#define C LBD_CONN_CONFIRMED
#define F LBD_CONN_CLOSING
#define R LBD_CONN_REMOTE

/* Ticks are seconds ago. Where nothing was carried before, base is 0. */
static const struct join_case {
	const char *says;
	struct {
		uint32_t backend;
		uint64_t flags;
		uint32_t ago;
	} base, old, new, expected;
} join_cases[] = {
	{ "left alone by the new program: as the old one has it",
	  { 1, C, 9 },
	  { 1, C | F, 0 },
	  { 1, C, 9 },
	  { 1, C | F, 0 } },
	{ "left alone, and the old one moved it",
	  { 1, C, 9 },
	  { 2, C, 0 },
	  { 1, C, 9 },
	  { 2, C, 0 } },
	{ "written by the new one later: that stands",
	  { 1, C, 9 },
	  { 1, C, 3 },
	  { 1, C | F, 0 },
	  { 1, C | F, 0 } },
	{ "moved by the new one later: that stands",
	  { 1, C, 9 },
	  { 1, C, 3 },
	  { 3, C, 0 },
	  { 3, C, 0 } },
	{ "born in both at once: confirmed where either saw it",
	  { 0, 0, 0 },
	  { 1, C, 0 },
	  { 1, 0, 0 },
	  { 1, C, 0 } },
	{ "born in both at once with other backends: the first packets decide",
	  { 0, 0, 0 },
	  { 2, C, 0 },
	  { 1, 0, 0 },
	  { 2, C, 0 } },
	{ "a FIN that the old one saw holds",
	  { 1, C, 9 },
	  { 1, C | F, 0 },
	  { 1, C, 0 },
	  { 1, C | F, 0 } },
	{ "seen by packets here at last: not a peer's word any more",
	  { 1, C | R, 9 },
	  { 1, C, 0 },
	  { 1, C | R, 0 },
	  { 1, C, 0 } },
};

static void both_versions_join(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(join_cases) / sizeof(*join_cases); i++) {
		const struct join_case *c = &join_cases[i];
		const struct table_entry flow = connection(2);
		struct tables old, new;
		struct carriers over;
		uint64_t expected;
		__u64 *word, held;
		uint32_t now;

		fixture_tables(&old, 64, SALT);
		fixture_tables(&new, 128, SALT);
		now = tables_now(&old);
		carriers_open(&over, &old, &new);
#define VALUE(v) lbd_value_make((uint16_t)(v).backend, flow.vip_port, (v).flags, now - (v).ago)
		put(&old, 2, 0, 0);
		word = tables_find_value(&old, &flow, &held);
		if (c->base.backend) {
			*word = VALUE(c->base);
			carriers_pass(&over, true);
		} else {
			put(&new, 2, 0, 0);
		}
		*word = VALUE(c->old);
		word = tables_find_value(&new, &flow, &held);
		assert_non_null(word);
		*word = VALUE(c->new);
		carriers_pass(&over, false);
		expected = VALUE(c->expected);
#undef VALUE
		tables_find_value(&new, &flow, &held);
		if (held != expected)
			fail_msg("%s: %#llx, expected %#llx", c->says, (unsigned long long)held,
				 (unsigned long long)expected);
		carriers_close(&over);
		fixture_tables_free(&old);
		fixture_tables_free(&new);
	}
}

#undef C
#undef F
#undef R

/* --- while others write */

struct writer {
	const struct tables *tables;
	atomic_bool stop;
	uint32_t count;
};

/* Enters connections and refreshes them, as the packet path does. */
static void *write_all_the_time(void *context)
{
	struct writer *writer = context;
	uint64_t random = 99;

	while (!atomic_load(&writer->stop)) {
		struct table_entry flow;
		__u64 *word, held;

		random = lbd_mix(random + 0x9e3779b97f4a7c15ULL);
		flow = connection((uint32_t)(random % writer->count));
		word = tables_find_value(writer->tables, &flow, &held);
		if (word) {
			LBD_CAS(word, held, held ^ ((random >> 32 & 1) << 33) ^ (random & 0xff00));
			continue;
		}
		flow.backend = (uint16_t)(1 + random % 500);
		flow.flags = LBD_CONN_CONFIRMED;
		flow.tick = tables_now(writer->tables);
		tables_put(writer->tables, &flow);
	}
	return NULL;
}

static void passes_catch_up_with_a_writer(void **state)
{
	const uint32_t count = 40000;
	struct writer writer = { .count = count };
	struct tables small, large;
	struct carriers up;
	pthread_t thread;
	uint64_t last = 0;

	(void)state;
	fixture_tables(&small, SMALL, SALT);
	fixture_tables(&large, LARGE, SALT);
	writer.tables = &small;
	carriers_open(&up, &small, &large);
	assert_int_equal(pthread_create(&thread, NULL, write_all_the_time, &writer), 0);
	for (int i = 0; i < 50; i++)
		last = carriers_pass(&up, true);
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	printf("[          ] the last pass before the writer stopped found %llu changes\n",
	       (unsigned long long)last);
	carriers_pass(&up, true);
	assert_int_equal(carriers_pass(&up, true), 0);
	assert_int_equal(differing(&small, &large, count), 0);
	assert_int_equal(entries_of(&large), entries_of(&small));
	carriers_close(&up);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
}

static void bits_of_buckets_follow_their_entries(void **state)
{
	struct tables small, large;
	struct carriers up;
	uint32_t wrong = 0;

	(void)state;
	fixture_tables(&small, 1024, SALT);
	fixture_tables(&large, 4096, SALT);
	fill(&small, 2000);
	carriers_open(&up, &small, &large);
	carriers_pass(&up, true);
	small.dirty4[3] = 0xf0;
	carry_mark(&up.ipv4, small.dirty4);
	for (uint32_t n = 0; n < 2000; n += 2) {
		const struct table_entry flow = connection(n);
		__u64 value, *was = tables_find_value(&small, &flow, &value);
		__u64 *is = tables_find_value(&large, &flow, &value);
		const uint64_t from = (uint64_t)((uint8_t *)was - (uint8_t *)small.conn4) / 64;
		const uint64_t to = (uint64_t)((uint8_t *)is - (uint8_t *)large.conn4) / 64;
		const bool marked = large.dirty4[to / 64] >> to % 64 & 1;

		if (from / 64 == 3 && from % 64 >= 4 && from % 64 < 8)
			wrong += !marked;
	}
	assert_int_equal(wrong, 0);
	carriers_close(&up);
	fixture_tables_free(&small);
	fixture_tables_free(&large);
}

/* --- another layout */

/* Four slots of 24 bytes: an older lbd's, with what it is in another order. */
struct other_bucket {
	struct {
		uint64_t value, spare, key;
	} slot[LBD_BUCKET_SLOTS];
};

static void from_other(void *context, const void *from, struct lbd_bucket6 *to)
{
	const struct other_bucket *other = from;

	(void)context;
	for (int i = 0; i < LBD_BUCKET_SLOTS; i++) {
		to->line.key[i] = other->slot[i].key;
		to->line.value[i] = other->slot[i].value;
	}
}

static void entries_come_from_another_layout(void **state)
{
	const uint32_t buckets = 64;
	struct other_bucket *other = fixture_lines(buckets * sizeof(*other));
	const struct table_entry flow = connection(4);
	const uint64_t value = lbd_value_make(9, flow.vip_port, LBD_CONN_CONFIRMED, 1000);
	struct carry_source source = { .memory = (const uint8_t *)other,
				       .bucket_size = sizeof(*other),
				       .buckets = buckets,
				       .convert = from_other };
	struct carry_target target;
	struct tables to;
	struct carry carry;
	__u64 held = 0;

	(void)state;
	fixture_tables(&to, 128, SALT);
	target = (struct carry_target){ .tables = &to, .lines = to.conn4, .buckets = 128 };
	other[11].slot[2].key =
		lbd_flow4(flow.client.words[3], flow.client_port, flow.service, flow.vip_port).key;
	other[11].slot[2].value = value;
	assert_int_equal(carry_open(&carry, &source, &target, true), 0);
	assert_int_equal(carry_pass(&carry, true), 1);
	assert_non_null(tables_find_value(&to, &flow, &held));
	assert_int_equal(held, value);
	carry_close(&carry);
	free(other);
	fixture_tables_free(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_grows_and_shrinks_bit_for_bit),
		cmocka_unit_test(a_later_pass_carries_what_changed_and_nothing_else),
		cmocka_unit_test(what_has_no_room_is_counted),
		cmocka_unit_test(a_table_that_is_nearly_full_takes_them_all),
		cmocka_unit_test(what_came_since_the_last_pass_has_room),
		cmocka_unit_test(what_is_idle_gives_way_and_live_ones_stay),
		cmocka_unit_test(both_versions_join),
		cmocka_unit_test(passes_catch_up_with_a_writer),
		cmocka_unit_test(bits_of_buckets_follow_their_entries),
		cmocka_unit_test(entries_come_from_another_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
