/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was probably meant: the nearest of some names to a mistyped word. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_WORD_MAX 64 /* longer words are near to nothing */

/* Insertions, deletions, changes and swaps of neighbours from @a to @b. */
size_t nearest_distance(const char *a, const char *b);

/*
 * The nearest of @names (NULL at its end) to @word, or NULL if none is within
 * a third of the word's length: a far-fetched suggestion misleads.
 */
const char *nearest_find(const char *word, const char *const *names);

#endif
