/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of sysfs and /proc. */
#ifndef TUNE_FILE_H
#define TUNE_FILE_H

#include <stdint.h>
#include <stdio.h>

/* The first line of the file, without its newline. Returns 0 or a negative errno. */
int file_read(const char *path, char *ret, size_t size);

/* Returns 0 or a negative errno. */
int file_write(const char *path, const char *text);

/* The number in the file, or 0. */
uint32_t file_number(const char *path);

#endif
