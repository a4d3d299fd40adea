/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is measured by test-run. */
#ifndef BENCH_PACKET_CASES_H
#define BENCH_PACKET_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/scene.h"

struct packet_case {
	const char *name;
	const struct scene *scene;
	enum scene_packet packet;
	uint32_t slots; /* of the table */
	uint32_t flows;
	uint32_t fill; /* packets to the service sent beforehand */
	enum lbd_outcome outcome;
	double at_most; /* what it should reach: ns over the empty program, 0: none, ... */
	const char *of; /* ... or so many times this case, which stands before it */
};

/* Cases of one scene and table stand together: they share it, and it only ever gets fuller. */
extern const struct packet_case packet_cases[];
extern const size_t packet_cases_count;

#endif
