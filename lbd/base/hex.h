/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as hexadecimal digits, and back. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* @text has room for 2 * @size + 1 characters, and is returned. */
char *hex_format(const void *bytes, size_t size, char *text);

/*
 * Read pairs of digits into @bytes, at most @max of them. Returns how many
 * bytes there are, -E2BIG if more, -EINVAL if it is anything but pairs of digits.
 */
int hex_parse(const char *text, uint8_t *bytes, size_t max);

#endif
