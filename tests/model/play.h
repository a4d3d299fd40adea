/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Play a story on a stage, through the packet path and the reference, and compare. */
#ifndef MODEL_PLAY_H
#define MODEL_PLAY_H

#include "tests/model/stage.h"

#define PLAY_GOOD (-1)

/*
 * The event at which the two differed, or PLAY_GOOD; -2 if the story can't be
 * played. What differed is written to @report.
 */
int play_story(struct stage *stage, enum stage_way way, const struct story *story, FILE *report);

/* Skip whatever the difference at event @last does without, up to a number of tries. */
void play_minimise(struct stage *stage, enum stage_way way, struct story *story, uint32_t last);

#endif
