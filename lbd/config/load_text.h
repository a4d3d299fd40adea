/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of lbd.yaml into struct config, part by part. Within load*.c only. What
 * finds no memory stays NULL or short: load.c looks at the whole.
 */
#ifndef CONFIG_LOAD_TEXT_H
#define CONFIG_LOAD_TEXT_H

#include <string.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/raw.h"

/* The text of a key: from the file, or its default from the table. */
static inline const char *load_text(const char *given, const struct key *keys, const char *name)
{
	return given ? given : keys_find(keys, name)->standard;
}

/* The keys of the mapping @name at the top. */
static inline const struct key *load_children(const char *name)
{
	return keys_find(keys_top, name)->children;
}

static inline char *load_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

void load_cluster(const struct raw_cluster *raw, struct config *config);
void load_vrrp(const struct raw_vrrp *raw, struct config *config);
void load_services(const struct raw_config *raw, struct config *config);

#endif
