// SPDX-License-Identifier: GPL-2.0-or-later
/* Dirty buckets to batches: nothing is lost, whatever the order of marks, sends and failures. */
#include <netinet/in.h>

#include "sync/outbox.h"
#include "sync_fixture.h"

#define BUCKETS 2048
#define WEB 1
#define BACKEND 2

struct world {
	struct tables tables;
	struct fixture_model model;
	struct dictionary *dictionary;
	struct held held;
	struct flight flight;
	struct outbox outbox;
	struct outbox_batch batch;
	uint64_t sent;
};

static struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fixture_tables(&world->tables, BUCKETS, 1);
	fixture_model(&world->model);
	fixture_service(&world->model, WEB, "192.0.2.80", 80, IPPROTO_TCP);
	fixture_backend(&world->model, BACKEND, WEB, "203.0.113.1");
	world->dictionary = dictionary_new(&world->model.model);
	assert_non_null(world->dictionary);
	assert_int_equal(outbox_init(&world->outbox, &world->tables), 0);
	assert_int_equal(held_init(&world->held, &world->tables), 0);
	assert_int_equal(flight_init(&world->flight), 0);
	world->outbox.held = &world->held;
	return world;
}

static void world_free(struct world *world)
{
	outbox_destroy(&world->outbox);
	held_destroy(&world->held);
	flight_destroy(&world->flight);
	dictionary_free(world->dictionary);
	fixture_tables_free(&world->tables);
	free(world);
}

static struct table_entry world_put(struct world *world, uint32_t n, bool v6, uint64_t flags)
{
	struct table_entry entry = fixture_entry(&world->tables, n, v6, WEB, BACKEND);

	entry.flags = flags;
	assert_int_equal(tables_put(&world->tables, &entry), TABLES_PUT_ADDED);
	return entry;
}

static void world_collect(struct world *world)
{
	struct outbox *outboxes[] = { &world->outbox };

	outbox_collect(&world->tables, outboxes, 1);
}

static uint32_t world_take(struct world *world)
{
	outbox_take(&world->outbox, world->dictionary, &world->batch);
	return world->batch.rows4_count + world->batch.rows6_count;
}

/* What was taken is sent, as link.c does; the peer has acknowledged what was before. */
static void world_send(struct world *world)
{
	struct lag lag = { 0 };

	flight_acknowledge(&world->flight, world->sent, 0, &world->held, &lag);
	flight_add(&world->flight, &world->held, ++world->sent, 0, true, world->batch.told,
		   world->batch.rows4_count + world->batch.rows6_count);
}

static void a_marked_bucket_is_sent_once(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = world_put(world, 1, false, LBD_CONN_CONFIRMED);
	struct wire_record record;

	(void)state;
	fixture_mark(&world->tables, &entry);
	world_collect(world);
	assert_int_equal(world->outbox.pending, 2);
	assert_int_equal(world_take(world), 1);
	wire_get_record4(world->batch.rows4, &record);
	assert_int_equal(record.client.words[3], entry.client.words[3]);
	assert_int_equal(record.service, WEB);
	assert_int_equal(record.backend, BACKEND);
	assert_int_equal(record.vip_port, htons(80));
	assert_int_equal(world->outbox.pending, 0);
	world_collect(world);
	assert_int_equal(world_take(world), 0);
	world_free(world);
}

static void ipv6_goes_into_rows_of_its_own(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = world_put(world, 1, true, LBD_CONN_CONFIRMED);
	struct wire_record record;

	(void)state;
	fixture_mark(&world->tables, &entry);
	world_collect(world);
	assert_int_equal(world_take(world), 1);
	assert_int_equal(world->batch.rows6_count, 1);
	wire_get_record6(world->batch.rows6, &record);
	assert_memory_equal(&record.client, &entry.client, sizeof(entry.client));
	world_free(world);
}

static void only_confirmed_connections_are_sent(void **state)
{
	struct world *world = world_new();

	(void)state;
	world_put(world, 1, false, 0);
	world_put(world, 2, false, LBD_CONN_CONFIRMED);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world_take(world), 1);
	world_free(world);
}

static void expired_connections_are_not_sent(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = fixture_entry(&world->tables, 1, false, WEB, BACKEND);

	(void)state;
	entry.flags = LBD_CONN_CONFIRMED | LBD_CONN_CLOSING;
	entry.tick -= 40;
	assert_int_equal(tables_put(&world->tables, &entry), TABLES_PUT_ADDED);
	world_put(world, 2, false, LBD_CONN_CONFIRMED);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world_take(world), 1);
	world_free(world);
}

/* It was told when it was confirmed: the peers shall not keep it for its long timeout. */
static void a_connection_that_an_rst_ended_is_sent_as_closing(void **state)
{
	struct world *world = world_new();

	(void)state;
	world_put(world, 1, false, LBD_CONN_CLOSING);
	world_put(world, 2, false, 0);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world_take(world), 1);
	world_free(world);
}

static void what_was_told_is_told_again_only_if_it_changed_or_in_a_sweep(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = world_put(world, 1, false, LBD_CONN_CONFIRMED);
	struct lag lag = { 0 };
	__u64 held, *word = tables_find_value(&world->tables, &entry, &held);

	(void)state;
	fixture_mark(&world->tables, &entry);
	world_collect(world);
	assert_int_equal(world_take(world), 1);
	world_send(world);
	fixture_mark(&world->tables, &entry);
	world_collect(world);
	assert_int_equal(world_take(world), 0);
	*word ^= LBD_CONN_CLOSING;
	fixture_mark(&world->tables, &entry);
	world_collect(world);
	assert_int_equal(world_take(world), 1);
	world_send(world);
	/* The conversation ends before it is acknowledged. */
	flight_acknowledge(&world->flight, 1, 0, &world->held, &lag);
	outbox_recall(&world->outbox, &world->flight);
	flight_clear(&world->flight);
	assert_int_equal(world_take(world), 1);
	world_send(world);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world_take(world), 1);
	world_free(world);
}

static void what_a_peer_told_is_sent_in_a_sweep_only(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = world_put(world, 1, false, LBD_CONN_CONFIRMED | LBD_CONN_REMOTE);

	(void)state;
	fixture_mark(&world->tables, &entry);
	world_collect(world);
	assert_int_equal(world_take(world), 0);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world_take(world), 1);
	world_free(world);
}

static void ids_that_were_not_told_yet_are_withheld_and_counted(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = fixture_entry(&world->tables, 1, false, WEB, BACKEND + 1);

	(void)state;
	assert_int_equal(tables_put(&world->tables, &entry), TABLES_PUT_ADDED);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world_take(world), 0);
	assert_int_equal(world->outbox.withheld, 1);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world->outbox.withheld, 0);
	world_free(world);
}

static void a_sweep_ends_after_one_round_though_marks_go_on(void **state)
{
	struct world *world = world_new();
	struct table_entry entry;
	uint32_t turns = 0;

	(void)state;
	for (uint32_t n = 0; n < 1500; n++)
		entry = world_put(world, n, false, LBD_CONN_CONFIRMED);
	outbox_mark_all(&world->outbox);
	assert_int_equal(world->outbox.sweep_left, world->outbox.words_count);
	while (world->outbox.sweep_left > 0) {
		world_take(world);
		fixture_mark(&world->tables, &entry);
		world_collect(world);
		assert_in_range(++turns, 1, 10);
	}
	assert_int_not_equal(world->outbox.pending, 0);
	world_free(world);
}

static void what_could_not_be_sent_is_marked_again(void **state)
{
	struct world *world = world_new();
	uint32_t taken, pending, left;

	(void)state;
	for (uint32_t n = 0; n < 1500; n++)
		world_put(world, n, n % 2, LBD_CONN_CONFIRMED);
	outbox_mark_all(&world->outbox);
	pending = (uint32_t)world->outbox.pending;
	left = world->outbox.sweep_left;
	taken = world_take(world);
	assert_int_not_equal(taken, 0);
	outbox_restore(&world->outbox, &world->batch);
	assert_int_equal(world->outbox.pending, pending);
	assert_int_equal(world->outbox.sweep_left, left);
	assert_int_equal(world_take(world), taken);
	world_free(world);
}

static void each_outbox_gets_every_mark(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = world_put(world, 1, false, LBD_CONN_CONFIRMED);
	struct outbox second, *outboxes[] = { &world->outbox, &second };

	(void)state;
	assert_int_equal(outbox_init(&second, &world->tables), 0);
	fixture_mark(&world->tables, &entry);
	outbox_collect(&world->tables, outboxes, 2);
	assert_int_equal(world->outbox.pending, 2);
	assert_int_equal(second.pending, 2);
	outbox_destroy(&second);
	world_free(world);
}

/* --- random interleavings against what a reader was last told */

#define FLOWS 1500
#define STEPS 20000

struct reader {
	uint16_t flags[FLOWS]; /* as last told; WIRE_CONN_CLOSING comes and goes */
	bool told[FLOWS];
};

static uint32_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

static __u64 *world_value(struct world *world, const struct table_entry *entry)
{
	for (uint32_t b = 0; b < BUCKETS; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			if (world->tables.conn4[b].key[s] >> 32 == entry->client.words[3])
				return &world->tables.conn4[b].value[s];
	return NULL;
}

static void reader_take(struct reader *reader, const struct outbox_batch *batch)
{
	for (uint32_t i = 0; i < batch->rows4_count; i++) {
		struct wire_record record;
		uint32_t n;

		wire_get_record4(batch->rows4 + i * WIRE_RECORD4_SIZE, &record);
		n = ntohl(record.client.words[3]) - 0xc6120000U;
		assert_in_range(n, 0, FLOWS - 1);
		reader->told[n] = true;
		reader->flags[n] = record.flags;
	}
}

static void world_step(struct world *world, struct reader *reader, uint32_t n, uint32_t dice)
{
	struct table_entry entry = fixture_entry(&world->tables, n, false, WEB, BACKEND);

	if (dice < 70) {
		*world_value(world, &entry) ^= LBD_CONN_CLOSING;
		fixture_mark(&world->tables, &entry);
	} else if (dice < 90) {
		world_collect(world);
	} else if (dice < 99) {
		world_take(world);
		if (dice % 2) {
			reader_take(reader, &world->batch);
			world_send(world);
		} else {
			outbox_restore(&world->outbox, &world->batch);
		}
	} else {
		outbox_mark_all(&world->outbox);
	}
}

static void nothing_is_lost_in_random_interleavings(void **state)
{
	struct world *world = world_new();
	struct reader reader = { .told = { false } };
	uint64_t seed = 42;

	(void)state;
	for (uint32_t n = 0; n < FLOWS; n++)
		world_put(world, n, false, LBD_CONN_CONFIRMED);
	outbox_mark_all(&world->outbox);
	for (int step = 0; step < STEPS; step++)
		world_step(world, &reader, random_next(&seed) % FLOWS, random_next(&seed) % 100);
	world_collect(world);
	while (world->outbox.pending > 0) {
		world_take(world);
		reader_take(&reader, &world->batch);
	}
	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = fixture_entry(&world->tables, n, false, WEB, BACKEND);
		bool closing = *world_value(world, &entry) & LBD_CONN_CLOSING;

		assert_true(reader.told[n]);
		assert_int_equal(reader.flags[n], closing ? WIRE_CONN_CLOSING : 0);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_marked_bucket_is_sent_once),
		cmocka_unit_test(ipv6_goes_into_rows_of_its_own),
		cmocka_unit_test(only_confirmed_connections_are_sent),
		cmocka_unit_test(expired_connections_are_not_sent),
		cmocka_unit_test(a_connection_that_an_rst_ended_is_sent_as_closing),
		cmocka_unit_test(what_was_told_is_told_again_only_if_it_changed_or_in_a_sweep),
		cmocka_unit_test(what_a_peer_told_is_sent_in_a_sweep_only),
		cmocka_unit_test(ids_that_were_not_told_yet_are_withheld_and_counted),
		cmocka_unit_test(a_sweep_ends_after_one_round_though_marks_go_on),
		cmocka_unit_test(what_could_not_be_sent_is_marked_again),
		cmocka_unit_test(each_outbox_gets_every_mark),
		cmocka_unit_test(nothing_is_lost_in_random_interleavings),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
