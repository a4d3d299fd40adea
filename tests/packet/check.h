/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one packet did against what the case says: verdict, frame, outer
 * header, the counters that moved, and the connection table. Each difference
 * is a line in the report.
 */
#ifndef PACKET_CHECK_H
#define PACKET_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/lab/lab.h"
#include "tests/packet/case.h"

#define CHECK_SOURCE 18 /* an address and a port */

struct check {
	FILE *report;
	uint64_t outcomes[LBD_OUTCOME_MAX]; /* before the packet */
	uint64_t drops;			    /* kept for whoever asks */
	struct lbd_traffic services, backends;
	uint8_t source[CHECK_SOURCE]; /* outer, of the last tunnelled packet */
};

struct check_result {
	int verdict;
	uint32_t size;
	uint8_t frame[CASE_FRAME_MAX];
};

/* Note the counters, and forget news of earlier packets. */
void check_before(struct check *check, const struct lab *lab);

/* True if everything is as @step says. */
bool check_after(struct check *check, const struct lab *lab, const struct case_step *step,
		 const struct check_result *result);

#endif
