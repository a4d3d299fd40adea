// SPDX-License-Identifier: GPL-2.0-or-later
#include "watching.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define WATCHING_DOUBT_SHARE (LBD_SPLIT_WHOLE / 2)

/* With fewer before the swap, even a tenth that gets lost behind it could be chance. */
#define WATCHING_BEFORE_MIN 10000

static void watching_subtract(const uint64_t *now, const uint64_t *then, uint64_t *ret)
{
	for (int i = 0; i < LBD_OUTCOME_MAX; i++)
		ret[i] = now[i] - then[i];
}

void watching_before(const struct dataplane *dataplane, struct lbd_watching_before *ret)
{
	if (dataplane_outcomes(dataplane, ret->outcomes))
		memset(ret, 0, sizeof(*ret));
}

/* What went by while the new one was loaded and tried; of a quiet moment, all that ever did. */
static void watching_refer(struct lbd_watching *watching, const struct dataplane *dataplane,
			   const struct lbd_watching_before *before)
{
	uint64_t now[LBD_OUTCOME_MAX], done[LBD_OUTCOME_MAX], packets = 0;

	if (dataplane_outcomes(dataplane, now))
		memset(now, 0, sizeof(now));
	watching_subtract(now, before->outcomes, done);
	for (int i = 0; i < LBD_OUTCOME_MAX; i++)
		packets += done[i];
	if (packets < WATCHING_BEFORE_MIN) {
		memcpy(done, now, sizeof(done));
		packets = 0;
		for (int i = 0; i < LBD_OUTCOME_MAX; i++)
			packets += done[i];
	}
	verdict_count(done, packets, false, &watching->watch.before);
}

int watching_open(struct lbd_watching *watching, const struct model *model, struct error *err)
{
	struct watch *watch = &watching->watch;
	int rc = watching_services_open(&watching->services, model, err);

	if (rc)
		return rc;
	watch->count = 1 + watching->services.count;
	watch->saved = calloc(watch->count, sizeof(*watch->saved));
	watching->sides = calloc(watch->count, sizeof(*watching->sides));
	return watch->saved && watching->sides ? 0 : error_set(err, -ENOMEM, "out of memory");
}

void watching_close(struct lbd_watching *watching)
{
	watching_services_close(&watching->services);
	free(watching->watch.saved);
	free(watching->sides);
	*watching = (struct lbd_watching){ 0 };
}

void watching_begin(struct lbd_watching *watching, const struct dataplane *dataplane,
		    const struct lbd_watching_before *before)
{
	watching->watch.mode = before ? WATCH_BEFORE : WATCH_BESIDE;
	if (before)
		watching_refer(watching, dataplane, before);
	watching_services_begin(&watching->services, dataplane);
	watching->watch.count = 1 + watching->services.count;
	dataplane_split_counts(dataplane, true, &watching->round);
	watching->all = watching->round;
}

/* One side, since @then. The old one's share of flows excludes what the splitter can't tell. */
static void watching_side(const struct lbd_watching *watching,
			  const struct dataplane_split_counts *then,
			  const struct dataplane_split_counts *now, enum lbd_split_slot side,
			  struct verdict_counts *ret)
{
	uint64_t outcomes[LBD_OUTCOME_MAX], packets;
	const bool flows = side == LBD_SPLIT_STABLE;

	watching_subtract(now->outcomes[side], then->outcomes[side], outcomes);
	packets = now->seen.packets[side] - then->seen.packets[side];
	if (flows && !watching->named)
		packets -= now->seen.beside - then->seen.beside;
	verdict_count(outcomes, packets, flows, ret);
	/* What lies beside the flows may come to anything. */
	if (flows)
		ret->bad[VERDICT_UNACCOUNTED] = 0;
}

/* A share of all flows is half of them now. Nothing that isn't flows stays with the new one. */
static void watching_doubt(const struct lbd_watching *watching, struct dataplane *dataplane,
			   enum watch_step step)
{
	char text[WATCHING_TEXT_MAX];

	if (step == WATCH_SHARE)
		dataplane_split_share(dataplane, WATCHING_DOUBT_SHARE);
	else
		dataplane_split_shift(dataplane);
	log_warning("upgrade: in doubt: %s; %s", watching_format(watching, text),
		    step == WATCH_SHARE ? "the old one gets half of the flows"
					: "both get other flows");
}

/* A service with few packets goes on with its round, as long as the flows stay where they are. */
static void watching_turn(struct lbd_watching *watching, const struct dataplane *dataplane,
			  enum watch_step step)
{
	watching_services_read(&watching->services, dataplane);
	for (uint32_t i = 0; i < watching->services.count; i++)
		if (step != WATCH_ROUND ||
		    watch_has_enough(&watching->watch, &watching->sides[i + 1]))
			watching_services_round(&watching->services, i);
	dataplane_split_counts(dataplane, true, &watching->round);
}

enum watch_step watching_look(struct lbd_watching *watching, struct dataplane *dataplane)
{
	struct watch_sides *sides = watching->sides;
	struct dataplane_split_counts now;
	enum watch_step step;

	if (dataplane_split_counts(dataplane, false, &now))
		return WATCH_GO_ON;
	watching_side(watching, &watching->round, &now, LBD_SPLIT_STABLE, &sides[WATCH_ALL].old);
	watching_side(watching, &watching->round, &now, LBD_SPLIT_CANDIDATE, &sides[WATCH_ALL].new);
	watching_services_look(&watching->services, dataplane, sides + 1);
	step = watch_look(&watching->watch, sides);
	if (step == WATCH_SHARE || step == WATCH_CROSS)
		watching_doubt(watching, dataplane, step);
	if (step != WATCH_GO_ON)
		watching_turn(watching, dataplane, step);
	return step;
}

const char *watching_format(const struct lbd_watching *watching, char *text)
{
	const struct watch *watch = &watching->watch;
	char finding[VERDICT_TEXT_MAX];

	verdict_format(&watch->finding, &watch->packets, finding);
	if (watch->subject == WATCH_ALL)
		snprintf(text, WATCHING_TEXT_MAX, "%s", finding);
	else
		snprintf(text, WATCHING_TEXT_MAX, "service %s: %s",
			 watching->services.list[watch->subject - 1].name, finding);
	return text;
}

uint64_t watching_packets(const struct lbd_watching *watching, const struct dataplane *dataplane)
{
	struct dataplane_split_counts now;

	if (dataplane_split_counts(dataplane, false, &now))
		return 0;
	return now.seen.packets[LBD_SPLIT_CANDIDATE] -
	       watching->all.seen.packets[LBD_SPLIT_CANDIDATE];
}
