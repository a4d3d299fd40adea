/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends of a digest at one desk: one table, sums as messages, no network. */
#ifndef TESTS_UNIT_DIGEST_DESK_H
#define TESTS_UNIT_DIGEST_DESK_H

#include "sync/judge.h"
#include "sync/prover.h"
#include "sync_fixture.h"

#define BUCKETS 256
#define FLOWS 300
#define BOOT 0x1122334455667788ULL
#define SECOND_US 1000000LL
#define START_US (1000 * SECOND_US)

struct desk {
	struct tables tables;
	struct fixture_model model;
	struct dictionary *dictionary;
	struct directory *directory;
	struct digest_identities *identities;
	struct outbox outbox;
	struct prover *prover;
	struct judge *judge;
	struct proof proof;
	uint8_t rows[WIRE_SUMS_MAX * WIRE_SUM_SIZE];
	int64_t now_us;
};

static inline struct table_entry flow(const struct desk *desk, uint32_t n)
{
	return fixture_entry(&desk->tables, n, false, 1, (uint16_t)(1 + n % 2));
}

static inline void desk_learn(struct desk *desk)
{
	desk->dictionary = dictionary_new(&desk->model.model);
	desk->directory = directory_new();
	desk->identities = calloc(1, sizeof(*desk->identities));
	desk->prover = calloc(1, sizeof(*desk->prover));
	desk->judge = judge_new();
	assert_true(desk->dictionary && desk->directory && desk->identities && desk->prover &&
		    desk->judge);
	digest_learn(desk->identities, desk->dictionary);
	for (uint16_t id = 1; id <= 2; id++)
		desk->directory->backends[id].local = id;
	desk->directory->backends_end = 3;
}

static inline void desk_init(struct desk *desk)
{
	memset(desk, 0, sizeof(*desk));
	desk->now_us = START_US;
	fixture_tables(&desk->tables, BUCKETS, 7);
	fixture_model(&desk->model);
	fixture_service(&desk->model, 1, "192.0.2.80", 80, IPPROTO_TCP);
	fixture_backend(&desk->model, 1, 1, "203.0.113.1");
	fixture_backend(&desk->model, 2, 1, "203.0.113.2");
	desk_learn(desk);
	prover_init(desk->prover);
	proof_init(&desk->proof);
	assert_int_equal(outbox_init(&desk->outbox, &desk->tables), 0);
	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = flow(desk, n);

		assert_int_equal(tables_put(&desk->tables, &entry), TABLES_PUT_ADDED);
	}
}

static inline void desk_free(struct desk *desk)
{
	fixture_tables_free(&desk->tables);
	dictionary_free(desk->dictionary);
	directory_free(desk->directory);
	outbox_destroy(&desk->outbox);
	free(desk->identities);
	free(desk->prover);
	judge_free(desk->judge);
}

/* The table's own sums, as the peer's: @missing, if any, isn't in them. */
static inline void prove(struct desk *desk, const struct table_entry *missing)
{
	struct prover *prover = desk->prover;
	uint64_t identity;

	assert_true(prover_is_due(prover, desk->now_us, 1));
	prover_begin(prover, &desk->tables, BOOT, desk->now_us);
	prover_slice(prover, &desk->tables, desk->identities, &desk->outbox, UINT32_MAX);
	assert_int_equal(prover->state, PROVER_READ);
	prover_turn(prover, &desk->outbox, desk->now_us);
	if (!missing)
		return;
	identity = digest_identity(desk->identities, missing);
	prover->pass.sums[digest_region(identity)] ^=
		digest_hash(desk->identities, missing, identity, BOOT);
}

static inline struct wire_message begin_message(uint64_t pass)
{
	return (struct wire_message){ .type = WIRE_DIGEST_BEGIN, .boot = BOOT, .pass = pass };
}

static inline enum refusal hear_begin(struct desk *desk, uint64_t pass)
{
	struct wire_message message = begin_message(pass);

	return judge_begin(desk->judge, &desk->tables, &message, desk->now_us);
}

static inline void hear_sums(struct desk *desk)
{
	while (desk->prover->state == PROVER_SEND) {
		struct wire_message message = { .type = WIRE_DIGEST };

		prover_fill(desk->prover, desk->rows, &message);
		assert_int_equal(judge_take(desk->judge, &desk->tables, desk->directory, &message),
				 REFUSAL_NONE);
		prover_sent(desk->prover, desk->now_us);
	}
}

/* Let the outbox forget what it should tell: the peer's end isn't here. */
static inline void tell(struct desk *desk)
{
	struct outbox_batch *batch = malloc(sizeof(*batch));

	assert_non_null(batch);
	while (desk->outbox.pending > 0)
		outbox_take(&desk->outbox, desk->dictionary, batch);
	free(batch);
}

static inline void judge_now(struct desk *desk)
{
	struct judge *judge = desk->judge;

	judge_slice(judge, &desk->tables, desk->identities, &desk->outbox, UINT32_MAX,
		    desk->now_us);
	assert_int_equal(judge->state, JUDGE_READ);
	tell(desk);
	judge_turn(judge, &desk->outbox, true);
	assert_int_equal(judge->state, JUDGE_JUDGE);
	judge_slice(judge, &desk->tables, desk->identities, &desk->outbox, UINT32_MAX,
		    desk->now_us);
	assert_true(judge_conclude(judge, &desk->proof, desk->now_us));
	assert_false(judge_conclude(judge, &desk->proof, desk->now_us));
}

static inline uint32_t answer(struct desk *desk)
{
	struct wire_message repair = { .type = WIRE_REPAIR };

	judge_fill(desk->judge, &desk->proof, desk->rows, &repair);
	assert_int_equal(prover_take(desk->prover, &repair, desk->now_us), REFUSAL_NONE);
	assert_int_equal(desk->prover->state, PROVER_RESTING);
	return repair.regions.count;
}

/* A whole pass, one second after the last. Returns how many regions were asked for. */
static inline uint32_t pass(struct desk *desk, const struct table_entry *missing)
{
	desk->now_us += SECOND_US;
	prove(desk, missing);
	assert_int_equal(hear_begin(desk, desk->prover->number), REFUSAL_NONE);
	tell(desk);
	prover_turn(desk->prover, &desk->outbox, desk->now_us);
	hear_sums(desk);
	judge_now(desk);
	return answer(desk);
}

#endif
