/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is pinned below an instance's pin directory, and what for. Found by
 * walking the directory and asking the kernel, so nothing that a killed lbd
 * left behind can hide.
 */
#ifndef DATAPLANE_PINS_H
#define DATAPLANE_PINS_H

#include "dataplane/dataplane.h"

#define DATAPLANE_PIN_PATH_MAX 160

enum dataplane_pin_kind {
	DATAPLANE_PIN_OTHER, /* no BPF object that can be opened */
	DATAPLANE_PIN_MAP,
	DATAPLANE_PIN_PROGRAM,
	DATAPLANE_PIN_LINK,
	DATAPLANE_PIN_DIRECTORY, /* an empty one; others show by what is in them */
};

/* What a pin is there for, or why nothing is. */
enum dataplane_pin_use {
	DATAPLANE_PIN_SERVES,	/* lbd and the packet path use this map */
	DATAPLANE_PIN_MIGRATES, /* of the maps that packets are moving to, or from */
	DATAPLANE_PIN_STRANGE,	/* nothing that lbd pins */
	DATAPLANE_PIN_REPLACED, /* lbd has another map of that name open */
	DATAPLANE_PIN_BYPASSED, /* the packet path has */
	DATAPLANE_PIN_LEFT,	/* of a move to other maps that nobody carries on */
	DATAPLANE_PIN_USES,
};

struct dataplane_pin {
	char path[DATAPLANE_PIN_PATH_MAX]; /* below the pin directory */
	char what[96];			   /* "array map, 65536 entries of 64 bytes" */
	enum dataplane_pin_kind kind;
	enum dataplane_pin_use use;
	uint32_t id; /* the kernel's; 0: none */
};

static inline bool dataplane_pin_used(const struct dataplane_pin *pin)
{
	return pin->use == DATAPLANE_PIN_SERVES || pin->use == DATAPLANE_PIN_MIGRATES;
}

/* All of them, by path. -errno: the directory can't be read. *ret: free. */
int dataplane_pins(const struct dataplane *dataplane, struct dataplane_pin **ret,
		   uint32_t *ret_count);

#endif
