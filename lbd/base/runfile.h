/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of one line in the run directory. Others read them at any moment
 * (keepalived the gate, scripts the role), so they change by rename only.
 */
#ifndef BASE_RUNFILE_H
#define BASE_RUNFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Put @line and a newline into @dir/@name, mode 0644. */
int runfile_write(const char *dir, const char *name, const char *line, struct error *err);

/*
 * The first line of @dir/@name, without its end, into @line. *ret_age_ms (may
 * be NULL): since it was written. 0, -ENOENT or another negative errno.
 */
int runfile_read(const char *dir, const char *name, char *line, size_t size, int64_t *ret_age_ms);

#endif
