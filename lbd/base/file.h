/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files read and written whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/error.h"

/*
 * Read the @size bytes that @fd has into @text; @path stands in messages.
 * Returns 0, -EIO if the file ended early, or what read(2) came to.
 */
int file_read_whole(int fd, const char *path, char *text, size_t size, struct error *err);

/*
 * Put @text into @path, mode 0600: whoever reads finds the old file or the new
 * one, whole, also after the host has crashed. 0 or a negative errno.
 */
int file_write_whole(const char *path, const char *text, size_t size, struct error *err);

#endif
