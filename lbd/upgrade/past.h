/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packet paths were swapped in, tried and taken back: a line of JSON for each, in a file. */
#ifndef UPGRADE_PAST_H
#define UPGRADE_PAST_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

#define PAST_MAX 100 /* the newest */

struct past_entry {
	int64_t at;	    /* seconds since the epoch, of the end */
	const char *kind;   /* upgrade, canary, rollback */
	const char *object; /* NULL: not known */
	const char *services;
	const char *result;   /* runs, kept, back */
	const char *why;      /* NULL: no more to say */
	const char *evidence; /* NULL: none */
	uint32_t share;	      /* of LBD_SPLIT_WHOLE */
	uint64_t packets;     /* that it was handed while on trial */
	uint64_t harmed;      /* of them, as far as outcomes tell */
};

/* The file, in the folder that outlives the daemon, into @path, returned. */
#define PAST_PATH_MAX 256
const char *past_path(const char *history_dir, char *path);

int past_add(const char *path, const struct past_entry *entry, struct error *err);

/* A list, oldest first; what can't be read is left out. NULL: out of memory. */
json_t *past_list(const char *path);

#endif
