// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/nearest.h"

#include <string.h>

static size_t nearest_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment: the matrix of distances between prefixes, of which
 * three rows are enough.
 */
size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1], columns = strlen(b);

	if (columns > NEAREST_WORD_MAX)
		return NEAREST_WORD_MAX + 1;
	for (size_t j = 0; j <= columns; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			row[j] = nearest_min(above[j], row[j - 1]) + 1;
			row[j] = nearest_min(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = nearest_min(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[strlen(a) % 3][columns];
}

const char *nearest_find(const char *word, const char *const *names)
{
	size_t best = strlen(word) / 3 + 2;
	const char *found = NULL;

	for (; *names; names++) {
		size_t distance = nearest_distance(word, *names);

		if (distance < best) {
			best = distance;
			found = *names;
		}
	}
	return found;
}
