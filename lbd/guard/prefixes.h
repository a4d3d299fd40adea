/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes of lists, from list files: one prefix or address a line, # begins a comment. */
#ifndef GUARD_PREFIXES_H
#define GUARD_PREFIXES_H

#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"

#define PREFIXES_FILE_MAX (64U << 20)

struct guard_prefix {
	struct addr_prefix prefix;
	uint8_t list;
};

struct prefixes {
	struct guard_prefix *all;
	uint32_t count, room;
	uint32_t max; /* more are refused */
};

/* -ENOSPC beyond prefixes->max, -ENOMEM. */
int prefixes_add(struct prefixes *prefixes, uint8_t list, const struct addr_prefix *prefix);

/*
 * Add what the file at @path lists. -EINVAL names the file and the line; a
 * file that anybody may write to is refused (-EPERM).
 */
int prefixes_read(struct prefixes *prefixes, uint8_t list, const char *path, struct error *err);

void prefixes_free(struct prefixes *prefixes);

#endif
