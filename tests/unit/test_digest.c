// SPDX-License-Identifier: GPL-2.0-or-later
/* Sums of a table: what they depend on, what they don't, and what a difference tells. */
#include "sync/digest_pass.h"
#include "sync/unsettled.h"
#include "sync_fixture.h"

#define BUCKETS 256
#define FLOWS 400
#define BOOT 0x1122334455667788ULL

/* A node with ids and slots of its own. */
struct side {
	struct tables tables;
	struct fixture_model model;
	struct dictionary *dictionary;
	struct digest_identities *identities;
	struct digest_pass *pass;
	uint16_t web, dns, backend;
};

static void side_learn(struct side *side)
{
	dictionary_free(side->dictionary);
	side->dictionary = dictionary_new(&side->model.model);
	assert_non_null(side->dictionary);
	digest_learn(side->identities, side->dictionary);
}

static void side_init(struct side *side, uint16_t n)
{
	memset(side, 0, sizeof(*side));
	side->web = (uint16_t)(1 + n);
	side->dns = (uint16_t)(8 + n);
	side->backend = (uint16_t)(10 * (n + 1));
	fixture_tables(&side->tables, BUCKETS, 77U * (n + 1U));
	fixture_model(&side->model);
	fixture_service(&side->model, side->web, "192.0.2.80", 80, IPPROTO_TCP);
	fixture_backend(&side->model, side->backend, side->web, "203.0.113.1");
	fixture_backend(&side->model, (uint16_t)(side->backend + 1), side->web, "203.0.113.2");
	fixture_service(&side->model, side->dns, "2001:db8::53", 0, IPPROTO_UDP);
	fixture_backend(&side->model, (uint16_t)(side->backend + 2), side->dns, "2001:db8::b");
	side->identities = calloc(1, sizeof(*side->identities));
	side->pass = calloc(1, sizeof(*side->pass));
	assert_true(side->identities && side->pass);
	side_learn(side);
}

static void side_free(struct side *side)
{
	fixture_tables_free(&side->tables);
	dictionary_free(side->dictionary);
	free(side->identities);
	free(side->pass);
}

static struct table_entry side_flow(const struct side *side, uint32_t n)
{
	bool dns = n % 3 == 0;
	struct table_entry entry = fixture_entry(&side->tables, n, dns, dns ? side->dns : side->web,
						 (uint16_t)(side->backend + (dns ? 2 : n % 2)));

	entry.flags |= dns ? LBD_CONN_UDP : 0;
	return entry;
}

static void side_put(struct side *side, const struct table_entry *entry)
{
	assert_int_equal(tables_put(&side->tables, entry), TABLES_PUT_ADDED);
}

/* Flows 0 to FLOWS - 1, in either order: so they get other slots. */
static void side_fill(struct side *side, bool backwards)
{
	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = side_flow(side, backwards ? FLOWS - 1 - n : n);

		side_put(side, &entry);
	}
}

static const uint64_t *side_sum(struct side *side, uint64_t key)
{
	struct digest_view view = { &side->tables, side->identities, NULL, NULL, NULL };

	digest_pass_begin(side->pass, &side->tables, key);
	assert_true(digest_pass_slice(side->pass, &view, UINT32_MAX));
	return side->pass->sums;
}

static uint32_t differing(struct side *a, struct side *b)
{
	const uint64_t *left = side_sum(a, BOOT), *right = side_sum(b, BOOT);
	uint32_t count = 0;

	for (uint32_t region = 0; region < WIRE_REGIONS; region++)
		count += left[region] != right[region];
	return count;
}

static void sums_depend_neither_on_slots_nor_on_ids_nor_on_secrets(void **state)
{
	struct side a, b;
	uint32_t used = 0;

	(void)state;
	side_init(&a, 0);
	side_init(&b, 1);
	side_fill(&a, false);
	side_fill(&b, true);
	assert_int_equal(differing(&a, &b), 0);
	for (uint32_t region = 0; region < WIRE_REGIONS; region++)
		used += a.pass->sums[region] != 0;
	assert_in_range(used, FLOWS * 9 / 10, FLOWS); /* spread over the regions */
	side_free(&a);
	side_free(&b);
}

/* The number of regions that differ when @b's flow 7 is changed so. */
static uint32_t differing_by(void (*change)(struct side *side, struct table_entry *entry))
{
	struct table_entry entry;
	struct side a, b;
	uint32_t count;

	side_init(&a, 0);
	side_init(&b, 1);
	entry = side_flow(&a, 7);
	side_put(&a, &entry);
	entry = side_flow(&b, 7);
	change(&b, &entry);
	side_put(&b, &entry);
	count = differing(&a, &b);
	side_free(&a);
	side_free(&b);
	return count;
}

static void change_nothing(struct side *side, struct table_entry *entry)
{
	(void)side;
	(void)entry;
}

static void change_backend(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->backend ^= 1;
}

static void change_nat(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->flags = lbd_value_with_nat(entry->flags, 3);
}

static void change_port(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->client_port ^= htons(1);
}

static void change_flags(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->flags |= LBD_CONN_REMOTE;
}

static void change_age(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->tick -= 100;
}

static void change_closing(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->flags |= LBD_CONN_CLOSING;
}

static void change_unconfirmed(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->flags = 0;
}

static void change_unknown(struct side *side, struct table_entry *entry)
{
	(void)side;
	entry->backend += 20;
}

static void sums_tell_backends_and_states_but_not_ages(void **state)
{
	(void)state;
	assert_int_equal(differing_by(change_nothing), 0);
	assert_int_equal(differing_by(change_flags), 0);
	assert_int_equal(differing_by(change_age), 0);
	assert_int_equal(differing_by(change_backend), 1);
	assert_int_equal(differing_by(change_nat), 1);
	assert_int_equal(differing_by(change_port), 2); /* another connection: another region */
	assert_int_equal(differing_by(change_closing), 1);
	assert_int_equal(differing_by(change_unconfirmed), 1);
	assert_int_equal(differing_by(change_unknown), 1);
}

static void sums_are_keyed(void **state)
{
	struct table_entry entry;
	struct side side;
	uint64_t sum;
	uint32_t region;

	(void)state;
	side_init(&side, 0);
	entry = side_flow(&side, 7);
	side_put(&side, &entry);
	region = digest_region(digest_identity(side.identities, &entry));
	sum = side_sum(&side, BOOT)[region];
	assert_int_not_equal(sum, 0);
	assert_int_not_equal(sum, side_sum(&side, BOOT + 1)[region]);
	side_free(&side);
}

/* PROTOCOL.md, Worked sums. */
static void the_worked_sums_are_those_of_the_protocol(void **state)
{
	struct table_entry entry = { .client = fixture_addr("203.0.113.9"),
				     .client_port = htons(40000),
				     .vip_port = htons(443),
				     .service = 3,
				     .backend = 4,
				     .flags = LBD_CONN_CONFIRMED };
	uint64_t identity;
	struct side side;

	(void)state;
	side_init(&side, 0);
	fixture_service(&side.model, 3, "192.0.2.80", 443, IPPROTO_TCP);
	fixture_backend(&side.model, 4, 3, "198.51.100.7");
	side_learn(&side);
	identity = digest_identity(side.identities, &entry);
	assert_int_equal(side.identities->services[3], 0x9c75bed0c3f92872);
	assert_int_equal(side.identities->backends[4], 0x4132114709c5edb3);
	assert_int_equal(identity, 0xeb6becf1c06afdf8);
	assert_int_equal(digest_region(identity), 3766);
	assert_int_equal(digest_hash(side.identities, &entry, identity, BOOT), 0x67a31ca8c737838f);
	side_free(&side);
}

static void slices_add_up_to_the_whole(void **state)
{
	uint64_t whole[WIRE_REGIONS];
	struct digest_view view;
	struct side side;
	uint32_t slices = 1;

	(void)state;
	side_init(&side, 0);
	side_fill(&side, false);
	memcpy(whole, side_sum(&side, BOOT), sizeof(whole));
	view = (struct digest_view){ &side.tables, side.identities, NULL, NULL, NULL };
	digest_pass_begin(side.pass, &side.tables, BOOT);
	while (!digest_pass_slice(side.pass, &view, 7))
		slices++;
	assert_int_equal(slices, (2 * BUCKETS + 6) / 7);
	assert_memory_equal(whole, side.pass->sums, sizeof(whole));
	side_free(&side);
}

struct counted {
	uint32_t seen;
	uint32_t idle, limit;
};

static void count_seen(void *context, const struct digest_seen *seen)
{
	struct counted *counted = context;

	counted->seen++;
	counted->idle = seen->idle;
	counted->limit = seen->limit;
}

/* Is an entry of flow @n, so many ticks idle, in the sums? It is seen in any case. */
static bool counts_at(uint32_t n, uint32_t idle, uint32_t *ret_limit)
{
	struct counted counted = { 0 };
	struct digest_view view;
	struct table_entry entry;
	struct side side;
	bool counts = false;

	side_init(&side, 0);
	entry = side_flow(&side, n);
	entry.tick -= idle;
	side_put(&side, &entry);
	view = (struct digest_view){ &side.tables, side.identities, NULL, count_seen, &counted };
	digest_pass_begin(side.pass, &side.tables, BOOT);
	assert_true(digest_pass_slice(side.pass, &view, UINT32_MAX));
	assert_int_equal(counted.seen, 1);
	assert_in_range(counted.idle, idle, idle + 1);
	for (uint32_t region = 0; region < WIRE_REGIONS; region++)
		counts |= side.pass->sums[region] != 0;
	*ret_limit = counted.limit;
	side_free(&side);
	return counts;
}

static void an_entry_counts_until_fifteen_sixteenths_of_its_timeout(void **state)
{
	uint32_t limit;

	(void)state;
	assert_true(counts_at(1, 900 * 15 / 16 - 2, &limit));
	assert_int_equal(limit, 900 * 15 / 16);
	assert_false(counts_at(1, 900 * 15 / 16, &limit));
	assert_true(counts_at(3, 60 * 15 / 16 - 2, &limit));
	assert_int_equal(limit, 60 * 15 / 16);
	assert_false(counts_at(3, 60 * 15 / 16, &limit));
}

static void what_a_peer_cannot_know_is_passed_over(void **state)
{
	bool *known = calloc(DICTIONARY_IDS, sizeof(*known));
	struct counted counted = { 0 };
	struct digest_view view;
	struct side side;

	(void)state;
	assert_non_null(known);
	side_init(&side, 0);
	side_fill(&side, false);
	known[side.backend + 2] = true;
	view = (struct digest_view){ &side.tables, side.identities, known, count_seen, &counted };
	digest_pass_begin(side.pass, &side.tables, BOOT);
	assert_true(digest_pass_slice(side.pass, &view, UINT32_MAX));
	assert_int_equal(counted.seen, (FLOWS + 2) / 3);
	side_free(&side);
	free(known);
}

/* --- spans */

static uint64_t random_state = 1;

static uint64_t random64(void)
{
	random_state += 0x9e3779b97f4a7c15ULL;
	return lbd_mix(lbd_mix(random_state) ^ 0x5555);
}

#define SPAN_TRIALS 2000

static void any_sum_of_unsettled_hashes_is_in_their_span(void **state)
{
	(void)state;
	for (uint32_t trial = 0; trial < SPAN_TRIALS; trial++) {
		uint32_t count = (uint32_t)(random64() % DIGEST_RANK_MAX);
		struct digest_span span = { 0 };
		uint64_t sum = 0;

		for (uint32_t i = 0; i < count; i++) {
			uint64_t hash = random64();

			digest_span_add(&span, hash);
			digest_span_add(&span, hash); /* told twice */
			sum ^= random64() & 1 ? hash : 0;
		}
		assert_int_equal(span.rank, count);
		assert_true(digest_span_has(&span, sum));
	}
}

static void a_foreign_hash_is_in_no_span(void **state)
{
	(void)state;
	for (uint32_t trial = 0; trial < SPAN_TRIALS; trial++) {
		struct digest_span span = { 0 };

		for (uint32_t i = 0; i < DIGEST_RANK_MAX; i++)
			digest_span_add(&span, random64());
		assert_false(digest_span_is_full(&span));
		assert_false(digest_span_has(&span, random64())); /* 2^-24 each */
	}
}

static void too_many_unsettled_hashes_say_nothing(void **state)
{
	struct digest_span span = { 0 };
	uint64_t hash = 0;

	(void)state;
	for (uint32_t i = 0; i <= DIGEST_RANK_MAX; i++) {
		assert_false(digest_span_is_full(&span));
		digest_span_add(&span, hash = random64());
	}
	assert_true(digest_span_is_full(&span));
	assert_false(digest_span_has(&span, hash));
}

/* --- what is unsettled */

static void unsettled_rows_are_found_by_their_time(void **state)
{
	struct unsettled *unsettled = calloc(1, sizeof(*unsettled));

	(void)state;
	assert_non_null(unsettled);
	assert_int_equal(unsettled_since(unsettled, 0), 0);
	for (uint32_t i = 0; i < 100; i++)
		unsettled_add(unsettled, i, 1000 + i, 5000 * (int64_t)i);
	assert_int_equal(unsettled_since(unsettled, 0), 0);
	assert_int_equal(unsettled_since(unsettled, 250000), 50);
	assert_int_equal(unsettled_row(unsettled, 50)->hash, 1050);
	assert_int_equal(unsettled_row(unsettled, 50)->region, 50);
	assert_int_equal(unsettled_since(unsettled, 1000000), 100);
	assert_true(unsettled_reaches(unsettled, 0));
	free(unsettled);
}

/* As many milliseconds as 32 bits count are 49 days. */
static void quiet_months_leave_no_row_unsettled(void **state)
{
	const int64_t day_us = 24 * 3600 * 1000000LL;
	struct unsettled *unsettled = calloc(1, sizeof(*unsettled));

	(void)state;
	assert_non_null(unsettled);
	for (uint32_t i = 0; i < UNSETTLED_ROWS + 1; i++)
		unsettled_add(unsettled, i % 4096, i, 5000);
	for (int64_t day = 1; day < 120; day++) {
		assert_int_equal(unsettled_since(unsettled, day * day_us), unsettled->count);
		assert_true(unsettled_reaches(unsettled, day * day_us));
	}
	free(unsettled);
}

static void what_was_written_over_is_missed(void **state)
{
	struct unsettled *unsettled = calloc(1, sizeof(*unsettled));

	(void)state;
	assert_non_null(unsettled);
	for (uint32_t i = 0; i < UNSETTLED_ROWS + 1000; i++)
		unsettled_add(unsettled, 0, i, 1000 * (int64_t)i);
	assert_false(unsettled_has(unsettled, 999));
	assert_true(unsettled_has(unsettled, 1000));
	assert_false(unsettled_reaches(unsettled, 999 * 1000));
	assert_true(unsettled_reaches(unsettled, 2000 * 1000));
	assert_int_equal(unsettled_since(unsettled, 2000 * 1000), 2000);
	free(unsettled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_depend_neither_on_slots_nor_on_ids_nor_on_secrets),
		cmocka_unit_test(sums_tell_backends_and_states_but_not_ages),
		cmocka_unit_test(sums_are_keyed),
		cmocka_unit_test(the_worked_sums_are_those_of_the_protocol),
		cmocka_unit_test(slices_add_up_to_the_whole),
		cmocka_unit_test(an_entry_counts_until_fifteen_sixteenths_of_its_timeout),
		cmocka_unit_test(what_a_peer_cannot_know_is_passed_over),
		cmocka_unit_test(any_sum_of_unsettled_hashes_is_in_their_span),
		cmocka_unit_test(a_foreign_hash_is_in_no_span),
		cmocka_unit_test(too_many_unsettled_hashes_say_nothing),
		cmocka_unit_test(unsettled_rows_are_found_by_their_time),
		cmocka_unit_test(quiet_months_leave_no_row_unsettled),
		cmocka_unit_test(what_was_written_over_is_missed),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
