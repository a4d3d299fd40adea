/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/error.h"
#include "lbd/conntable.h"

/* Fill @ret from the kernel's random source. 0 or a negative errno. */
int secret_random(struct lbd_secret *ret);

/* Stands where no secret is configured: known to everybody who reads the source. */
extern const struct lbd_secret secret_public;

/*
 * Read 32 hexadecimal digits from @path. Refuses a file that others than its
 * owner may read or write (-EPERM), and anything that isn't such a file
 * (-EINVAL), saying in @err what to do.
 */
int secret_read(const char *path, struct lbd_secret *ret, struct error *err);

#endif
