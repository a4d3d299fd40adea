/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has been given before: a set of words that knows where each stood first. */
#ifndef CONFIG_SEEN_H
#define CONFIG_SEEN_H

#include <stdint.h>

struct seen {
	void *root; /* of a tree, tsearch(3): the limits allow 65535 backends */
};

/* Add @word, which stands at @index. Returns where it stood first: @index if it is new. */
uint32_t seen_add(struct seen *seen, const char *word, uint32_t index);

void seen_free(struct seen *seen);

#endif
