/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an entry's file says of itself: comments before the config, "# key: value". */
#ifndef HISTORY_HEADER_H
#define HISTORY_HEADER_H

#include "history/history.h"

#define HEADER_MAX 2048

/* Into @text of HEADER_MAX; returns its length. */
size_t header_format(const struct history_entry *entry, char *text);

/* False: that is no header of an entry. The number isn't in it. */
bool header_parse(const char *text, struct history_entry *ret);

/* Where the config begins. */
const char *header_skip(const char *text);

#endif
