// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries are carried while packets write: into the old table, the new one and both. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "carry_desk.h"

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
		cmocka_unit_test(both_versions_join),
		cmocka_unit_test(passes_catch_up_with_a_writer),
		cmocka_unit_test(bits_of_buckets_follow_their_entries),
		cmocka_unit_test(entries_come_from_another_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
