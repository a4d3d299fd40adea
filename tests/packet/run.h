/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run one case: a private data plane with the case's setup, then packet after
 * packet through the running generation. Whatever differs from the case is
 * written to a report, for a person to read.
 */
#ifndef PACKET_RUN_H
#define PACKET_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/packet/case.h"
#include "tests/packet/neighbourhood.h"

#define RUN_INTERFACE_IN "in0"
#define RUN_INTERFACE_OUT "out0"

struct shelf;

struct run_place {
	const char *dir;    /* holds cases/ and setups/ */
	const char *object; /* lb.bpf.o */
	const struct neighbourhood *neighbourhood;
};

/* Features that the generation gets on top of those that the setup needs. */
#define RUN_SPECIALISED 0U
/* Every one that changes nothing for a config which does without it, or that writes nothing. */
#define RUN_EVERY_FEATURE (~(LBD_FEATURE_ECHO | LBD_FEATURE_READONLY | LBD_FEATURE_ROUTELESS))

/* A lab with setups/@setup.yaml and its next hops; nothing is committed or loaded yet. */
int run_open_setup(const struct run_place *place, const char *setup, struct lab *lab,
		   struct error *err);

void run_change_backend(struct backend *backend, enum case_state state);

/* As if the last packet of every connection, and client, had come @seconds earlier. */
void run_age(const struct tables *tables, uint32_t seconds);

/* True if every packet went as the case says. */
bool run_case(struct shelf *shelf, const struct run_place *place,
	      const struct packet_case *packet_case, uint32_t more_features, FILE *report);

#endif
