/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before a packet is run, a second generation is asked over the same tables: it
 * traces and writes nothing, as the one behind lbctl trace. It must say what the
 * case says, and leave every byte of tables and counters as it was.
 */
#ifndef PACKET_ASK_H
#define PACKET_ASK_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/lab/lab.h"
#include "tests/packet/case.h"

struct ask {
	struct dataplane_trace *trace;
	FILE *report;
};

/* @features: those of the generation that runs. */
int ask_open(struct ask *ask, const struct lab *lab, const char *object, uint32_t features,
	     struct error *err);

/* Accepts one that was never opened, if zeroed. */
void ask_close(struct ask *ask);

/* True if none was opened, or it says of the packet, come in on @ifindex, what @step says. */
bool ask_step(const struct ask *ask, const struct lab *lab, const struct case_step *step,
	      uint32_t ifindex);

#endif
