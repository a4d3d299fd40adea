// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/watch.h"

static uint32_t watch_among(const struct watch *watch, uint32_t subject)
{
	return subject == WATCH_ALL ? 1 : watch->count - 1;
}

static struct verdict_finding watch_judge(const struct watch *watch, uint32_t subject,
					  const struct watch_sides *sides)
{
	return verdict_judge(&sides->old, &sides->new, watch_among(watch, subject));
}

/* All before any service, and of services that are worse the worst. */
static bool watch_comes_first(const struct verdict_finding *one, const struct verdict_finding *best,
			      uint32_t best_subject)
{
	if (one->verdict != best->verdict)
		return one->verdict > best->verdict;
	return one->verdict == VERDICT_WORSE && best_subject != WATCH_ALL && one->z > best->z;
}

/* The finding of the look, if it could tell anything. */
static enum verdict watch_find(struct watch *watch, const struct watch_sides *sides)
{
	struct verdict_finding best = watch_judge(watch, WATCH_ALL, &sides[WATCH_ALL]);
	uint32_t subject = WATCH_ALL;

	for (uint32_t i = 1; i < watch->count; i++) {
		const struct verdict_finding one = watch_judge(watch, i, &sides[i]);

		if (!watch_comes_first(&one, &best, subject))
			continue;
		best = one;
		subject = i;
	}
	if (best.verdict != VERDICT_UNSURE) {
		watch->compared = true;
		watch->finding = best;
		watch->subject = subject;
		watch->packets = sides[subject].new;
	}
	return best.verdict;
}

static enum watch_step watch_turn(struct watch *watch, enum watch_mode mode, enum watch_step step)
{
	watch->mode = mode;
	watch->looks = 0;
	return step;
}

static enum watch_step watch_clear(struct watch *watch, enum watch_mode mode)
{
	watch->doubted = false;
	watch->harmed = 0;
	return watch_turn(watch, mode, WATCH_ROUND);
}

/* A whole round without a difference takes a doubt away. */
static enum watch_step watch_alike(struct watch *watch)
{
	return watch->looks < WATCH_LOOKS ? WATCH_GO_ON : watch_clear(watch, watch->mode);
}

/*
 * What services lost before a swap was counted by nobody. One that loses packets
 * is a reason to look at both sides, and no more: perhaps it always did.
 */
static enum watch_step watch_before(struct watch *watch, struct watch_sides *sides)
{
	sides[WATCH_ALL].old = watch->before;
	for (uint32_t i = 1; i < watch->count; i++)
		sides[i].old = (struct verdict_counts){ .packets = sides[i].new.packets };
	switch (watch_find(watch, sides)) {
	case VERDICT_WORSE:
		watch->doubted = watch->subject == WATCH_ALL;
		watch->harmed += watch->finding.harmed;
		return watch_turn(watch, WATCH_BESIDE, WATCH_SHARE);
	case VERDICT_ALIKE:
		return watch_alike(watch);
	case VERDICT_UNSURE:
		break;
	}
	return WATCH_GO_ON;
}

static enum watch_step watch_beside(struct watch *watch, const struct watch_sides *sides)
{
	switch (watch_find(watch, sides)) {
	case VERDICT_WORSE:
		watch->doubted = true;
		for (uint32_t i = 0; i < watch->count; i++)
			watch->saved[i] = sides[i];
		return watch_turn(watch, WATCH_CROSSED, WATCH_CROSS);
	case VERDICT_ALIKE:
		return watch_alike(watch);
	case VERDICT_UNSURE:
		break;
	}
	return WATCH_GO_ON;
}

static void watch_add(struct verdict_counts *sum, const struct verdict_counts *more)
{
	sum->packets += more->packets;
	for (int i = 0; i < VERDICT_RATE_COUNT; i++)
		sum->bad[i] += more->bad[i];
}

/* UNSURE until either side has had as much as in the round before: both rounds weigh alike. */
static enum verdict watch_both_rounds(struct watch *watch, uint32_t subject,
				      const struct watch_sides *sides)
{
	const struct watch_sides *saved = &watch->saved[subject];
	struct watch_sides both = *sides;

	if (sides->old.packets < saved->old.packets || sides->new.packets < saved->new.packets)
		return VERDICT_UNSURE;
	watch_add(&both.old, &saved->old);
	watch_add(&both.new, &saved->new);
	watch->finding = watch_judge(watch, subject, &both);
	watch->subject = subject;
	watch->packets = both.new;
	return watch->finding.verdict;
}

/* Only what the round before found worse is asked: the others had no other flows to compare with. */
static enum watch_step watch_crossed(struct watch *watch, const struct watch_sides *sides)
{
	bool waits = false;

	for (uint32_t i = 0; i < watch->count; i++) {
		if (watch_judge(watch, i, &watch->saved[i]).verdict != VERDICT_WORSE)
			continue;
		switch (watch_both_rounds(watch, i, &sides[i])) {
		case VERDICT_WORSE:
			watch->harmed += watch->finding.harmed;
			return WATCH_BACK;
		case VERDICT_UNSURE:
			/* A service may have fallen silent; all of them is another matter. */
			waits |= i == WATCH_ALL || watch->looks < WATCH_SILENCE;
			break;
		case VERDICT_ALIKE:
			break;
		}
	}
	return waits ? WATCH_GO_ON : watch_clear(watch, WATCH_BESIDE);
}

bool watch_decides_soon(const struct watch *watch)
{
	return watch->mode == WATCH_CROSSED &&
	       watch_judge(watch, WATCH_ALL, &watch->saved[WATCH_ALL]).verdict != VERDICT_WORSE;
}

bool watch_has_enough(const struct watch *watch, const struct watch_sides *sides)
{
	return sides->new.packets >= WATCH_ENOUGH &&
	       (watch->mode == WATCH_BEFORE || sides->old.packets >= WATCH_ENOUGH);
}

enum watch_step watch_look(struct watch *watch, struct watch_sides *sides)
{
	watch->looks++;
	switch (watch->mode) {
	case WATCH_BEFORE:
		return watch_before(watch, sides);
	case WATCH_BESIDE:
		return watch_beside(watch, sides);
	case WATCH_CROSSED:
		return watch_crossed(watch, sides);
	}
	return WATCH_GO_ON;
}
