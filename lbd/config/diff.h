/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two configurations have that the other hasn't, key by key. Pure. */
#ifndef CONFIG_DIFF_H
#define CONFIG_DIFF_H

#include "config/config.h"

#define CONFIG_SUMMARY_MAX 160

/*
 * One difference. Entries of lists go by their name (or address, or id), not by
 * their place: "services[web].backends[web1].weight". An entry that only one
 * side has is one difference, its value all that isn't the default.
 */
struct config_change {
	const char *path;
	const char *old, *new; /* NULL: it isn't there */
};

typedef void (*config_visit)(void *context, const struct config_change *change);

/*
 * Tell @visit every difference from @old to @new, defaults filled in on both
 * sides; the order of lists says nothing. 0, or -ENOMEM.
 */
int config_diff(const struct config *old, const struct config *new, config_visit visit,
		void *context);

/*
 * The first difference and how many more, as a sentence into @text of
 * CONFIG_SUMMARY_MAX. Returns how many there are, or -ENOMEM.
 */
int config_summarise(const struct config *old, const struct config *new, char *text);

#endif
