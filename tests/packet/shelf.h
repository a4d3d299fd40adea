/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The labs of one setup, kept from case to case: verifying a generation takes a
 * thousand times as long as a case. A case finds its lab as if it had just been
 * opened: a model as the setup says, and every table empty.
 */
#ifndef PACKET_SHELF_H
#define PACKET_SHELF_H

#include "tests/packet/ask.h"
#include "tests/packet/run.h"
#include "trace/lab.h"

#define SHELF_WAYS 2 /* specialised, with every feature */

struct shelf_lab {
	bool open;
	uint32_t more_features;
	struct lab lab;
	struct ask ask; /* where it is specialised: one with every feature takes long to load */
};

struct shelf {
	char setup[64];
	struct shelf_lab labs[SHELF_WAYS];
};

/* The lab of @setup with @more_features, as if new. It stays the shelf's. */
int shelf_take(struct shelf *shelf, const struct run_place *place, const char *setup,
	       uint32_t more_features, struct shelf_lab **ret, struct error *err);

/* Accepts a shelf that was never used, if zeroed. */
void shelf_clear(struct shelf *shelf);

#endif
