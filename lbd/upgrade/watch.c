// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/watch.h"

static enum verdict watch_judge(struct watch *watch, const struct verdict_counts *old,
				const struct verdict_counts *new)
{
	const struct verdict_finding finding = verdict_judge(old, new);

	if (finding.verdict != VERDICT_UNSURE) {
		watch->compared = true;
		watch->finding = finding;
		watch->packets = *new;
	}
	return finding.verdict;
}

static enum watch_step watch_turn(struct watch *watch, enum watch_mode mode, enum watch_step step)
{
	watch->mode = mode;
	watch->looks = 0;
	return step;
}

/* A whole round without a difference takes a doubt away. */
static enum watch_step watch_alike(struct watch *watch)
{
	if (watch->looks < WATCH_LOOKS)
		return WATCH_GO_ON;
	watch->doubted = false;
	watch->harmed = 0;
	return watch_turn(watch, watch->mode, WATCH_ROUND);
}

static enum watch_step watch_before(struct watch *watch, const struct verdict_counts *new)
{
	switch (watch_judge(watch, &watch->before, new)) {
	case VERDICT_WORSE:
		watch->doubted = true;
		watch->harmed += watch->finding.harmed;
		return watch_turn(watch, WATCH_BESIDE, WATCH_SHARE);
	case VERDICT_ALIKE:
		return watch_alike(watch);
	case VERDICT_UNSURE:
		break;
	}
	return WATCH_GO_ON;
}

static enum watch_step watch_beside(struct watch *watch, const struct verdict_counts *old,
				    const struct verdict_counts *new)
{
	switch (watch_judge(watch, old, new)) {
	case VERDICT_WORSE:
		watch->doubted = true;
		watch->old = *old;
		watch->new = *new;
		return watch_turn(watch, WATCH_CROSSED, WATCH_CROSS);
	case VERDICT_ALIKE:
		return watch_alike(watch);
	case VERDICT_UNSURE:
		break;
	}
	return WATCH_GO_ON;
}

static struct verdict_counts watch_add(const struct verdict_counts *a,
				       const struct verdict_counts *b)
{
	struct verdict_counts sum = { .packets = a->packets + b->packets };

	for (int i = 0; i < VERDICT_RATE_COUNT; i++)
		sum.bad[i] = a->bad[i] + b->bad[i];
	return sum;
}

/* Only when either side has had as much as in the round before: both rounds weigh alike. */
static enum watch_step watch_crossed(struct watch *watch, const struct verdict_counts *old,
				     const struct verdict_counts *new)
{
	const struct verdict_counts both_old = watch_add(&watch->old, old);
	const struct verdict_counts both_new = watch_add(&watch->new, new);

	if (old->packets < watch->old.packets || new->packets < watch->new.packets)
		return WATCH_GO_ON;
	if (watch_judge(watch, &both_old, &both_new) == VERDICT_WORSE) {
		watch->harmed += watch->finding.harmed;
		return WATCH_BACK;
	}
	watch->doubted = false;
	watch->harmed = 0;
	return watch_turn(watch, WATCH_BESIDE, WATCH_ROUND);
}

enum watch_step watch_look(struct watch *watch, const struct verdict_counts *old,
			   const struct verdict_counts *new)
{
	watch->looks++;
	switch (watch->mode) {
	case WATCH_BEFORE:
		return watch_before(watch, new);
	case WATCH_BESIDE:
		return watch_beside(watch, old, new);
	case WATCH_CROSSED:
		return watch_crossed(watch, old, new);
	}
	return WATCH_GO_ON;
}
