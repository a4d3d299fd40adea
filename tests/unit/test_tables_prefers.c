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
 *   both in one tick, with one backend, and one alone closing:
 *     open              closing                                 what came
 *     own, closing      open                                    held
 *     told, closing     open, first-hand                        what came (the ports are used anew)
 *     told, closing     open, second-hand                       held
 *   own                 younger                                 what came
 *   own                 of the same tick, or older              held
 *   told                first-hand, up to one tick older        what came (it is in order)
 *   told                first-hand, older than that             held
 *   told                second-hand, younger                    what came
 *   told                second-hand, of the same tick or older  held
 *
 * "In our term": since it began. "Told": by a peer alone. Version 1 has neither
 * terms nor second hands, and closing or not is nothing of its own there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dataplane/tables.h"

#define NOW 100000U
#define TERM_TICKS 50U

enum held { UNCONFIRMED, OWN_OF_TERM, OWN_EARLIER, TOLD, HELD_COUNT };

#define OWN (1U << OWN_OF_TERM | 1U << OWN_EARLIER)
#define ANY_HELD (1U << UNCONFIRMED | OWN | 1U << TOLD)

/* What came, in ticks against what is held. */
enum age { YOUNGER, SAME, ONE_OLDER, OLDER, AGE_COUNT };

#define ANY_AGE 0xfU
#define NOT_YOUNGER (1U << SAME | 1U << ONE_OLDER | 1U << OLDER)

enum closing { NEITHER, CAME_CLOSING, HELD_CLOSING, BOTH, CLOSING_COUNT };

enum hand { FIRST, SECOND, HAND_COUNT };

struct combination {
	enum held held;
	enum age age;
	enum closing closing;
	bool same_backend;
	enum hand hand;
	int standing;
};

#define ANY 0xfU
#define LOWER (1U << 0)
#define HIGHER (1U << 2)

static struct line {
	const char *sentence;
	unsigned int held, age, closing, backend, hand, standing; /* masks */
	bool came;
	unsigned int fitted;
} drawing[] = {
	{ "unconfirmed", 1U << UNCONFIRMED, ANY, ANY, ANY, ANY, ANY, true, 0 },
	{ "of a higher term", 1U << OWN_OF_TERM, ANY, ANY, ANY, ANY, HIGHER, true, 0 },
	{ "of a lower term", 1U << OWN_OF_TERM, ANY, ANY, ANY, ANY, LOWER, false, 0 },
	{ "open, closing", ANY_HELD, 1U << SAME, 1U << CAME_CLOSING, 1U << true, ANY, ANY, true,
	  0 },
	{ "own closing, open", OWN, 1U << SAME, 1U << HELD_CLOSING, 1U << true, ANY, ANY, false,
	  0 },
	{ "told closing, open first-hand", 1U << TOLD, 1U << SAME, 1U << HELD_CLOSING, 1U << true,
	  1U << FIRST, ANY, true, 0 },
	{ "told closing, open second-hand", 1U << TOLD, 1U << SAME, 1U << HELD_CLOSING, 1U << true,
	  1U << SECOND, ANY, false, 0 },
	{ "own, younger", OWN, 1U << YOUNGER, ANY, ANY, ANY, ANY, true, 0 },
	{ "own, not younger", OWN, NOT_YOUNGER, ANY, ANY, ANY, ANY, false, 0 },
	{ "told, older", 1U << TOLD, 1U << OLDER, ANY, ANY, ANY, ANY, false, 0 },
	{ "told, first-hand", 1U << TOLD, ANY_AGE, ANY, ANY, 1U << FIRST, ANY, true, 0 },
	{ "told, second-hand, younger", 1U << TOLD, 1U << YOUNGER, ANY, ANY, 1U << SECOND, ANY,
	  true, 0 },
	{ "told, second-hand", 1U << TOLD, NOT_YOUNGER, ANY, ANY, 1U << SECOND, ANY, false, 0 },
};

#define LINES (sizeof(drawing) / sizeof(drawing[0]))

static struct line *line_of(const struct combination *c)
{
	for (size_t i = 0; i < LINES; i++) {
		struct line *line = &drawing[i];

		if (line->held >> c->held & 1 && line->age >> c->age & 1 &&
		    line->closing >> c->closing & 1 && line->backend >> c->same_backend & 1 &&
		    line->hand >> c->hand & 1 && line->standing >> (c->standing + 1) & 1)
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
	static const int ticks[] = { [YOUNGER] = 1, [SAME] = 0, [ONE_OLDER] = -1, [OLDER] = -2 };
	uint64_t flags = LBD_CONN_CONFIRMED | LBD_CONN_REMOTE;

	if (c->closing == CAME_CLOSING || c->closing == BOTH)
		flags |= LBD_CONN_CLOSING;
	return lbd_value_make(c->same_backend ? 7 : 8, 80, flags,
			      (uint32_t)((int)lbd_value_tick(held_value(c)) + ticks[c->age]));
}

static void print_combination(const struct combination *c, const char *sentence)
{
	print_message("held %d age %d closing %d same backend %d hand %d standing %d: %s\n",
		      c->held, c->age, c->closing, c->same_backend, c->hand, c->standing, sentence);
}

static void try_combination(const struct combination *c)
{
	const struct tables_claim claim = {
		.standing = c->standing,
		.ticks = TERM_TICKS,
		.closing = true,
		.second_hand = c->hand == SECOND,
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
	static const bool told[] = {
		[YOUNGER] = true, [SAME] = true, [ONE_OLDER] = true, [OLDER] = false
	};
	bool came = c->held == UNCONFIRMED || (c->held == TOLD ? told[c->age] : c->age == YOUNGER);

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
		.age = number / 4 % AGE_COUNT,
		.closing = number / 16 % CLOSING_COUNT,
		.same_backend = number / 64 % 2,
		.hand = number / 128 % HAND_COUNT,
		.standing = (int)(number / 256 % 3) - 1,
	};
	return ret->hand == FIRST || ret->standing == 0;
}

#define COMBINATIONS (256U * 3)

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
	const struct tables_claim claim = { .standing = -1, .ticks = TERM_TICKS };
	uint64_t came = lbd_value_make(8, 80, LBD_CONN_CONFIRMED, NOW);
	uint64_t first = lbd_value_make(7, 80, LBD_CONN_CONFIRMED, NOW - TERM_TICKS);
	uint64_t before = lbd_value_make(7, 80, LBD_CONN_CONFIRMED, NOW - TERM_TICKS - 1);

	(void)state;
	assert_false(tables_prefers(came, first, NOW, &claim));
	assert_true(tables_prefers(came, before, NOW, &claim));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_judged_as_drawn),
		cmocka_unit_test(what_version_1_says_is_judged_by_age_alone),
		cmocka_unit_test(the_first_tick_of_a_term_belongs_to_it),
	};

	return cmocka_run_group_tests_name("tables_prefers", tests, NULL, NULL);
}
