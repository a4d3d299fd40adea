// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Of two versions of a connection one stands. Every combination is tried, and
 * judged by the first line of this drawing that fits it:
 *
 *   what is held        what came                               stands
 *   ------------------  --------------------------------------  ---------
 *   unconfirmed         whatever                                what came
 *   own, in our term    of a higher term                        what came
 *   own, in our term    of a lower term                         held
 *   whatever            younger by more than a tick             what came
 *   whatever            older by more than a tick               held
 *   at the same time, give or take a tick:
 *     own               second-hand                             held
 *     told              first-hand                              what came (it is in order)
 *     and else, both first-hand or both second-hand:
 *       open            closing                                 what came
 *       closing         open                                    held
 *       one backend     another, of the greater node            what came
 *       one backend     another, of the lesser node             held
 *       the same        younger                                 what came
 *       the same        of the same tick, or older              held
 *
 * "In our term": since it began. "Told": by a peer alone. Version 1 has neither
 * terms nor second hands, and closing or not is nothing of its own there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/tables.h"

#define NOW 100000U
#define TERM_TICKS 50U

enum held { UNCONFIRMED, OWN_OF_TERM, OWN_EARLIER, TOLD, HELD_COUNT };

#define OWN (1U << OWN_OF_TERM | 1U << OWN_EARLIER)

/* What came, in ticks against what is held. */
enum age { YOUNGER, ONE_YOUNGER, SAME, ONE_OLDER, OLDER, AGE_COUNT };

#define NOT_YOUNGER (1U << SAME | 1U << ONE_OLDER)

enum closing { NEITHER, CAME_CLOSING, HELD_CLOSING, BOTH, CLOSING_COUNT };

enum hand { FIRST, SECOND, HAND_COUNT };

struct combination {
	enum held held;
	enum age age;
	enum closing closing;
	bool same_backend;
	enum hand hand;
	int standing;
	bool greater;
};

#define ANY 0x1fU
#define LOWER (1U << 0)
#define HIGHER (1U << 2)

static struct line {
	const char *sentence;
	unsigned int held, age, closing, backend, hand, standing, greater; /* masks */
	bool came;
	unsigned int fitted;
} drawing[] = {
	{ "unconfirmed", 1U << UNCONFIRMED, ANY, ANY, ANY, ANY, ANY, ANY, true, 0 },
	{ "of a higher term", 1U << OWN_OF_TERM, ANY, ANY, ANY, ANY, HIGHER, ANY, true, 0 },
	{ "of a lower term", 1U << OWN_OF_TERM, ANY, ANY, ANY, ANY, LOWER, ANY, false, 0 },
	{ "younger", ANY, 1U << YOUNGER, ANY, ANY, ANY, ANY, ANY, true, 0 },
	{ "older", ANY, 1U << OLDER, ANY, ANY, ANY, ANY, ANY, false, 0 },
	{ "own, second-hand", OWN, ANY, ANY, ANY, 1U << SECOND, ANY, ANY, false, 0 },
	{ "told, first-hand", 1U << TOLD, ANY, ANY, ANY, 1U << FIRST, ANY, ANY, true, 0 },
	{ "open, closing", ANY, ANY, 1U << CAME_CLOSING, ANY, ANY, ANY, ANY, true, 0 },
	{ "closing, open", ANY, ANY, 1U << HELD_CLOSING, ANY, ANY, ANY, ANY, false, 0 },
	{ "backend of the greater", ANY, ANY, ANY, 1U << false, ANY, ANY, 1U << true, true, 0 },
	{ "backend of the lesser", ANY, ANY, ANY, 1U << false, ANY, ANY, 1U << false, false, 0 },
	{ "the same, younger", ANY, 1U << ONE_YOUNGER, ANY, ANY, ANY, ANY, ANY, true, 0 },
	{ "the same, not younger", ANY, NOT_YOUNGER, ANY, ANY, ANY, ANY, ANY, false, 0 },
};

#define LINES (sizeof(drawing) / sizeof(drawing[0]))

static struct line *line_of(const struct combination *c)
{
	for (size_t i = 0; i < LINES; i++) {
		struct line *line = &drawing[i];

		if (line->held >> c->held & 1 && line->age >> c->age & 1 &&
		    line->closing >> c->closing & 1 && line->backend >> c->same_backend & 1 &&
		    line->hand >> c->hand & 1 && line->standing >> (c->standing + 1) & 1 &&
		    line->greater >> c->greater & 1)
			return line;
	}
	return NULL;
}

static uint64_t held_value(const struct combination *c)
{
	static const uint64_t flags[] = {
		[UNCONFIRMED] = 0,
		[OWN_OF_TERM] = LBD_CONN_CONFIRMED,
		[OWN_EARLIER] = LBD_CONN_CONFIRMED,
		[TOLD] = LBD_CONN_CONFIRMED | LBD_CONN_REMOTE,
	};
	uint32_t idle = c->held == OWN_EARLIER ? TERM_TICKS + 10 : TERM_TICKS - 10;
	bool closing = c->closing == HELD_CLOSING || c->closing == BOTH;

	if (c->held == UNCONFIRMED)
		closing = false;
	return lbd_value_make(7, 80, flags[c->held] | (closing ? LBD_CONN_CLOSING : 0), NOW - idle);
}

static uint64_t came_value(const struct combination *c)
{
	static const int ticks[] = {
		[YOUNGER] = 2, [ONE_YOUNGER] = 1, [SAME] = 0, [ONE_OLDER] = -1, [OLDER] = -2
	};
	uint64_t flags = LBD_CONN_CONFIRMED | LBD_CONN_REMOTE;

	if (c->closing == CAME_CLOSING || c->closing == BOTH)
		flags |= LBD_CONN_CLOSING;
	return lbd_value_make(c->same_backend ? 7 : 8, 80, flags,
			      (uint32_t)((int)lbd_value_tick(held_value(c)) + ticks[c->age]));
}

static void print_combination(const struct combination *c, const char *sentence)
{
	print_message(
		"held %d age %d closing %d same backend %d hand %d standing %d greater %d: %s\n",
		c->held, c->age, c->closing, c->same_backend, c->hand, c->standing, c->greater,
		sentence);
}

static void try_combination(const struct combination *c)
{
	const struct tables_claim claim = {
		.standing = c->standing,
		.began = TERM_TICKS,
		.second_hand = c->hand == SECOND,
		.greater = c->greater,
	};
	struct line *line = line_of(c);

	assert_non_null(line);
	line->fitted++;
	if (tables_prefers(came_value(c), held_value(c), NOW, &claim) == line->came)
		return;
	print_combination(c, line->sentence);
	fail();
}

static void try_version_1(const struct combination *c)
{
	static const bool told[] = { [YOUNGER] = true,
				     [ONE_YOUNGER] = true,
				     [SAME] = true,
				     [ONE_OLDER] = true,
				     [OLDER] = false };
	bool came =
		c->held == UNCONFIRMED || (c->held == TOLD ? told[c->age] : c->age <= ONE_YOUNGER);

	if (tables_prefers(came_value(c), held_value(c), NOW, NULL) == came)
		return;
	print_combination(c, "version 1");
	fail();
}

/* What a peer says at second hand has no standing; @number enumerates the rest. */
static bool combination_make(unsigned int number, struct combination *ret)
{
	*ret = (struct combination){
		.held = number % HELD_COUNT,
		.closing = number / 4 % CLOSING_COUNT,
		.same_backend = number / 16 % 2,
		.hand = number / 32 % HAND_COUNT,
		.greater = number / 64 % 2,
		.age = number / 128 % AGE_COUNT,
		.standing = (int)(number / 128 / AGE_COUNT % 3) - 1,
	};
	return ret->hand == FIRST || ret->standing == 0;
}

#define COMBINATIONS (128U * AGE_COUNT * 3)

static void every_combination_is_judged_as_drawn(void **state)
{
	struct combination combination;

	(void)state;
	for (unsigned int i = 0; i < COMBINATIONS; i++)
		if (combination_make(i, &combination))
			try_combination(&combination);
	for (size_t i = 0; i < LINES; i++) {
		if (!drawing[i].fitted)
			fail_msg("no combination fits \"%s\"", drawing[i].sentence);
	}
}

static void what_version_1_says_is_judged_by_age_alone(void **state)
{
	struct combination combination;

	(void)state;
	for (unsigned int i = 0; i < COMBINATIONS; i++)
		if (combination_make(i, &combination) && combination.hand == FIRST)
			try_version_1(&combination);
}

/* The tick in which our term began counts to it. */
static void the_first_tick_of_a_term_belongs_to_it(void **state)
{
	struct tables_claim claim = { .standing = -1, .began = TERM_TICKS };
	uint64_t came = lbd_value_make(8, 80, LBD_CONN_CONFIRMED, NOW);
	uint64_t first = lbd_value_make(7, 80, LBD_CONN_CONFIRMED, NOW - TERM_TICKS);
	uint64_t before = lbd_value_make(7, 80, LBD_CONN_CONFIRMED, NOW - TERM_TICKS - 1);

	(void)state;
	assert_false(tables_prefers(came, first, NOW, &claim));
	assert_true(tables_prefers(came, before, NOW, &claim));
	claim.ended = TERM_TICKS;
	assert_false(tables_prefers(came, first, NOW, &claim));
	claim.ended = TERM_TICKS + 1;
	assert_true(tables_prefers(came, first, NOW, &claim));
}

/*
 * What a node makes of the other's version, whose age arrives up to a tick off:
 * as tables_put_claimed would, without a table around it.
 */
static uint64_t hear(uint64_t held, uint64_t told, bool greater, int off)
{
	const struct tables_claim claim = {
		.second_hand = told & LBD_CONN_REMOTE,
		.greater = greater,
	};
	__u64 word = held;
	uint64_t value = lbd_value_with_tick(told | LBD_CONN_REMOTE,
					     (uint32_t)((int)lbd_value_tick(told) + off));

	tables_stand(&word, held, value, NOW, &claim);
	return word;
}

static uint64_t random_version(void)
{
	uint64_t flags = LBD_CONN_CONFIRMED;

	if (rand() % 2)
		flags |= LBD_CONN_REMOTE;
	if (rand() % 2)
		flags |= LBD_CONN_CLOSING;
	return lbd_value_make((uint16_t)(7 + rand() % 2), 80, flags,
			      NOW - 20 + (uint32_t)(rand() % 6));
}

static bool agree(uint64_t a, uint64_t b)
{
	return lbd_value_backend(a) == lbd_value_backend(b) && !((a ^ b) & LBD_CONN_CLOSING);
}

static void two_nodes_come_to_the_same_whatever_rounding_does(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 200000; round++) {
		uint64_t lesser = random_version(), greater = random_version();
		unsigned int turns = 0;

		for (; turns < 30 && !agree(lesser, greater); turns++) {
			uint64_t heard = hear(lesser, greater, true, rand() % 3 - 1);

			greater = hear(greater, lesser, false, rand() % 3 - 1);
			lesser = heard;
		}
		if (!agree(lesser, greater))
			fail_msg("round %u: %016llx and %016llx", round, (unsigned long long)lesser,
				 (unsigned long long)greater);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_judged_as_drawn),
		cmocka_unit_test(what_version_1_says_is_judged_by_age_alone),
		cmocka_unit_test(the_first_tick_of_a_term_belongs_to_it),
		cmocka_unit_test(two_nodes_come_to_the_same_whatever_rounding_does),
	};

	return cmocka_run_group_tests_name("tables_prefers", tests, NULL, NULL);
}
