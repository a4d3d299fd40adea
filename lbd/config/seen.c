// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/seen.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct seen_word {
	uint32_t index;
	char text[];
};

static int seen_compare(const void *a, const void *b)
{
	const struct seen_word *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Without memory a word counts as new: the config then fails for want of it elsewhere. */
uint32_t seen_add(struct seen *seen, const char *word, uint32_t index)
{
	struct seen_word *new = malloc(sizeof(*new) + strlen(word) + 1), **found;

	if (!new)
		return index;
	new->index = index;
	strcpy(new->text, word);
	found = tsearch(new, &seen->root, seen_compare);
	if (!found || *found != new)
		free(new);
	return found ? (*found)->index : index;
}

void seen_free(struct seen *seen)
{
	tdestroy(seen->root, free);
	seen->root = NULL;
}
