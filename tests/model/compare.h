/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the packet path did against what the reference expects: verdict,
 * outcome counter, every byte of the frame, the connection's entry, news for
 * the peers; and at a story's end the whole table and the traffic counters.
 */
#ifndef MODEL_COMPARE_H
#define MODEL_COMPARE_H

#include "tests/model/stage.h"

struct compare_result {
	int verdict;
	uint32_t size;
	uint8_t frame[CASE_FRAME_MAX];
};

/* Read the counters from which a story sets out. */
void compare_begin(struct stage *stage);

/* True if they agree about @frame, otherwise what differs is written to @report. */
bool compare_packet(struct stage *stage, const struct frame *frame, struct expectation *expected,
		    const struct compare_result *result, FILE *report);
bool compare_end(struct stage *stage, FILE *report);

extern const char *const compare_outcome_names[LBD_OUTCOME_COUNT];

#endif
