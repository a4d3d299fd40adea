/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All lists of a config, read and made into one search tree. Shared: models
 * that follow each other hold the same guard while no list is read again.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include "config/config.h"
#include "lbd/guard.h"

struct guard_list {
	char name[CONFIG_NAME_MAX];
	char *file;	     /* NULL: none, its prefixes stand in the config */
	uint32_t ipv4, ipv6; /* prefixes */
	int64_t changed_at;  /* of the file: seconds since the epoch */
};

struct guard {
	uint32_t holders;
	struct guard_list lists[LBD_LISTS_MAX];
	uint32_t lists_count;
	struct lbd_acl_entry *entries;
	uint32_t entries_count, entries_room;
	int64_t loaded_at; /* seconds since the epoch */
	uint32_t build_ms; /* what reading and building took */
};

/* Places of the tree that limits.prefixes gives room for. */
uint32_t guard_room(uint32_t prefixes);

/*
 * Read the lists of @config. -EINVAL or an errno of the file with the message
 * in @err; -ENOSPC names the limit. *ret: guard_release.
 */
int guard_read(const struct config *config, struct guard **ret, struct error *err);

/* One more holder. Accepts and returns NULL. */
struct guard *guard_hold(struct guard *guard);

/* Accepts NULL. */
void guard_release(struct guard *guard);

/* A bit for each list that @names has. */
uint32_t guard_lists(const struct config *config, const struct config_names *names);

#endif
