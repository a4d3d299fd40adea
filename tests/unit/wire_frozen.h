/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as they were when a version of the protocol was released. */
#ifndef TESTS_UNIT_WIRE_FROZEN_H
#define TESTS_UNIT_WIRE_FROZEN_H

#include <ctype.h>
#include <stdio.h>

#include "wire_examples.h"

#define FROZEN "tests/golden/sync"

/* @ret has room for WIRE_MESSAGE_MAX bytes. */
static inline size_t frozen_read(int version, const char *name, uint8_t *ret)
{
	char path[128];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), FROZEN "/%d/%s.bin", version, name);
	for (char *at = path + strlen(FROZEN); *at; at++)
		*at = (char)tolower((unsigned char)*at);
	file = fopen(path, "rb");
	print_message("%s\n", path);
	assert_non_null(file);
	size = fread(ret, 1, WIRE_MESSAGE_MAX, file);
	fclose(file);
	return size;
}

#endif
