// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The race on the connection table: two threads of user space and a BPF
 * program enter the same flows at once into tables that are far too small,
 * while a reader looks whether anything ever stands under a wrong key.
 *
 *   writer 1, writer 2 --- mapped memory ---+
 *   BPF_PROG_TEST_RUN --- the same maps ----+--> checked again when all is quiet
 *   reader -------------- mapped memory ---+
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "conntable_flows.h"
#include "dataplane/tables.h"

#define RUNS 5000000U
#define ROUNDS 100U
#define WRITERS 2

struct writer {
	struct race *race;
	pthread_t thread;
	struct flows_party party;
};

struct race {
	uint32_t runs;
	struct bpf_object *object;
	struct tables tables;
	struct flows_party *bpf; /* mapped */
	struct writer writers[WRITERS];
	pthread_t reader, runner;
	pthread_barrier_t start; /* of all writers, or the first is done before the last begins */
	atomic_bool over;
	uint64_t read, read_wrong;
	int run_error;
};

static char race_object[4096];

/* --- the maps */

static void *race_map(const struct race *race, const char *name, size_t size)
{
	int fd = bpf_object__find_map_fd_by_name(race->object, name);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static int setup(void **state)
{
	struct race *race = calloc(1, sizeof(*race));

	race->object = bpf_object__open_file(race_object, NULL);
	assert_non_null(race->object);
	assert_int_equal(bpf_object__load(race->object), 0);
	race->tables = (struct tables){
		.conn4 = race_map(race, "race_conn4", BUCKETS_MAX * sizeof(struct lbd_bucket)),
		.conn6 = race_map(race, "race_conn6", BUCKETS_MAX * sizeof(struct lbd_bucket6)),
		.secret = flows_secret,
		.timeouts = flows_timeouts,
	};
	race->bpf = race_map(race, "race_party", sizeof(*race->bpf));
	*state = race;
	return 0;
}

static int teardown(void **state)
{
	struct race *race = *state;

	munmap(race->tables.conn4, BUCKETS_MAX * sizeof(struct lbd_bucket));
	munmap(race->tables.conn6, BUCKETS_MAX * sizeof(struct lbd_bucket6));
	munmap(race->bpf, sizeof(*race->bpf));
	bpf_object__close(race->object);
	free(race);
	return 0;
}

/* --- the parties */

static struct lbd_pair race_pair(const struct tables *tables, const struct lbd_flow *flow, bool v6)
{
	uint64_t hash = lbd_flow_hash(flow, v6, &tables->secret);
	struct lbd_pair pair;

	for (int i = 0; i < 2; i++) {
		uint32_t b = lbd_flow_bucket(hash, i, tables->conn4_buckets - 1);

		pair.bucket[i] = v6 ? &tables->conn6[b].line : &tables->conn4[b];
		pair.client[i] = v6 ? tables->conn6[b].client : NULL;
	}
	return pair;
}

static bool race_find(const struct lbd_pair *pair, const struct lbd_flow *flow, __u64 *value)
{
	return lbd_bucket_find(pair->bucket[0], pair->client[0], flow, value) < LBD_BUCKET_SLOTS ||
	       lbd_bucket_find(pair->bucket[1], pair->client[1], flow, value) < LBD_BUCKET_SLOTS;
}

static void *race_write(void *context)
{
	struct writer *writer = context;
	const struct tables *tables = &writer->race->tables;
	struct flows_party *party = &writer->party;

	pthread_barrier_wait(&writer->race->start);
	for (uint32_t i = 0; i < writer->race->runs; i++) {
		uint32_t dice = flows_dice(&party->dice), n = dice >> 1 & (party->flows - 1);
		struct lbd_flow flow = flows_flow(n, dice & 1);
		struct lbd_pair pair = race_pair(tables, &flow, dice & 1);
		__u64 value = 0;

		if (race_find(&pair, &flow, &value)) {
			party->found++;
			party->wrong += lbd_value_backend(value) != flows_backend(n);
			continue;
		}
		party->inserted += lbd_pair_insert(&pair, &flow, flows_value(&flow, n, dice >> 12),
						   NOW, &tables->timeouts, LBD_KEY_CLAIMED_USER);
	}
	return NULL;
}

static void *race_run(void *context)
{
	struct race *race = context;
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)race->runs);
	struct bpf_program *program = bpf_object__find_program_by_name(race->object, "race");

	pthread_barrier_wait(&race->start);
	race->run_error = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	return NULL;
}

static bool race_is_flow(const struct table_entry *entry, uint32_t n, bool v6)
{
	struct lbd_flow flow = flows_flow(n, v6);
	struct lbd_addr client = v6 ? flow.client : lbd_addr_from4(lbd_key_client4(flow.key));

	return lbd_addr_equal(&client, &entry->client) && flow.dport == entry->vip_port &&
	       lbd_key_port(flow.key) == entry->client_port &&
	       lbd_key_service(flow.key) == entry->service;
}

/* The number of the flow that an entry belongs to, FLOWS_MAX if its value is another's. */
static uint32_t race_number(const struct table_entry *entry)
{
	const bool v6 = !lbd_addr_is4(&entry->client);

	for (uint32_t n = 0; n < FLOWS_MAX; n++)
		if (race_is_flow(entry, n, v6))
			return flows_backend(n) == entry->backend ? n : FLOWS_MAX;
	return FLOWS_MAX;
}

static bool race_look(void *context, const struct table_entry *entry)
{
	struct race *race = context;

	race->read++;
	race->read_wrong += race_number(entry) == FLOWS_MAX;
	return true;
}

static void *race_read(void *context)
{
	struct race *race = context;

	while (!atomic_load(&race->over))
		tables_walk(&race->tables, race_look, race);
	return NULL;
}

struct race_plan {
	uint32_t runs;		    /* lookups of each party */
	uint32_t flows, buckets;    /* of each family */
	uint64_t dice[1 + WRITERS]; /* equal: they go for the same flows in the same order */
};

static struct flows_party race_party(const struct race_plan *plan, unsigned int i)
{
	return (struct flows_party){ .dice = plan->dice[i],
				     .flows = plan->flows,
				     .buckets = plan->buckets };
}

static void race_start(struct race *race, const struct race_plan *plan)
{
	race->runs = plan->runs;
	race->tables.conn4_buckets = race->tables.conn6_buckets = plan->buckets;
	*race->bpf = race_party(plan, 0);
	atomic_store(&race->over, false);
	pthread_barrier_init(&race->start, NULL, WRITERS + 1);
	pthread_create(&race->reader, NULL, race_read, race);
	pthread_create(&race->runner, NULL, race_run, race);
	for (unsigned int i = 0; i < WRITERS; i++) {
		race->writers[i].race = race;
		race->writers[i].party = race_party(plan, 1 + i);
		pthread_create(&race->writers[i].thread, NULL, race_write, &race->writers[i]);
	}
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(race->writers[i].thread, NULL);
	pthread_join(race->runner, NULL);
	atomic_store(&race->over, true);
	pthread_join(race->reader, NULL);
	pthread_barrier_destroy(&race->start);
	assert_int_equal(race->run_error, 0);
}

/* --- when all is quiet */

struct census {
	const struct tables *tables;
	uint32_t seen[2][FLOWS_MAX + 1];
	uint32_t entries, lost; /* lost: no lookup finds it */
};

static bool census_entry(void *context, const struct table_entry *entry)
{
	struct census *census = context;
	struct table_entry found;

	census->entries++;
	census->seen[lbd_addr_is4(&entry->client)][race_number(entry)]++;
	census->lost +=
		!tables_find(census->tables, entry, &found) || found.backend != entry->backend;
	return true;
}

static uint32_t claimed_in(const struct lbd_bucket *bucket)
{
	uint32_t claimed = 0;

	for (int i = 0; i < LBD_BUCKET_SLOTS; i++)
		claimed += bucket->key[i] != LBD_KEY_EMPTY && !lbd_key_is_flow(bucket->key[i]);
	return claimed;
}

static uint32_t assert_table_is_sound(const struct tables *tables)
{
	struct census census = { .tables = tables };
	uint32_t claimed = 0;

	for (uint32_t b = 0; b < tables->conn4_buckets; b++)
		claimed += claimed_in(&tables->conn4[b]) + claimed_in(&tables->conn6[b].line);
	assert_int_equal(claimed, 0);
	assert_int_equal(tables_sweep(tables), 0);
	tables_walk(tables, census_entry, &census);
	for (int v4 = 0; v4 < 2; v4++) {
		assert_int_equal(census.seen[v4][FLOWS_MAX], 0);
		for (uint32_t n = 0; n < FLOWS_MAX; n++)
			assert_in_range(census.seen[v4][n], 0, 1);
	}
	assert_int_equal(census.lost, 0);
	return census.entries;
}

static void assert_took_part(const struct flows_party *party)
{
	/* A third of the lookups or more find nothing and insert. */
	assert_in_range(party->inserted, RUNS / 3, RUNS);
	assert_in_range(party->found, 1, RUNS);
	assert_int_equal(party->wrong, 0);
}

static void nothing_is_mixed_up_when_everybody_writes_at_once(void **state)
{
	/* Four times as many flows as slots: something is displaced all the time. */
	static const struct race_plan plan = { RUNS, 256, 16, { 1, 2, 3 } };
	const uint32_t slots = 2 * plan.buckets * LBD_BUCKET_SLOTS;
	struct race *race = *state;

	race_start(race, &plan);
	assert_took_part(race->bpf);
	for (unsigned int i = 0; i < WRITERS; i++)
		assert_took_part(&race->writers[i].party);
	assert_in_range(race->read, 1000, UINT32_MAX);
	assert_int_equal(race->read_wrong, 0);
	/* All slots were fought for; what was emptied last may still be empty. */
	assert_in_range(assert_table_is_sound(&race->tables), slots * 3 / 4, slots);
}

/* Of two clients that share a key only the address tells whose value a slot holds. */
static void clients_of_one_key_are_not_mixed_up(void **state)
{
	/* Few flows, so that a slot often goes from one of such two to the other. */
	static const struct race_plan plan = { RUNS, 64, 8, { 1, 2, 3 } };
	struct race *race = *state;

	race_start(race, &plan);
	assert_took_part(race->bpf);
	for (unsigned int i = 0; i < WRITERS; i++)
		assert_took_part(&race->writers[i].party);
}

/* Whoever is behind finds what the others entered and so catches up: they stay together. */
static void a_flow_that_everybody_enters_at_once_stands_once(void **state)
{
	struct race *race = *state;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		const struct race_plan plan = {
			20000, FLOWS_MAX, BUCKETS_MAX, { round, round, round }
		};

		memset(race->tables.conn4, 0, BUCKETS_MAX * sizeof(struct lbd_bucket));
		memset(race->tables.conn6, 0, BUCKETS_MAX * sizeof(struct lbd_bucket6));
		race_start(race, &plan);
		assert_in_range(assert_table_is_sound(&race->tables), FLOWS_MAX, 2 * FLOWS_MAX);
	}
	assert_int_equal(race->read_wrong, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_mixed_up_when_everybody_writes_at_once,
						setup, teardown),
		cmocka_unit_test_setup_teardown(clients_of_one_key_are_not_mixed_up, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_flow_that_everybody_enters_at_once_stands_once,
						setup, teardown),
	};

	/* BUILD/asan/tests/unit/test_conntable_race -> BUILD/tests/unit/conntable.bpf.o */
	(void)argc;
	snprintf(race_object, sizeof(race_object), "%s/../../../tests/unit/conntable.bpf.o",
		 dirname(strdupa(argv[0])));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
