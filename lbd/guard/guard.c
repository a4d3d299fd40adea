// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/monotonic.h"
#include "guard/tree.h"

uint32_t guard_room(uint32_t prefixes)
{
	return prefixes * LBD_ACL_ROOM;
}

static int guard_add(struct prefixes *prefixes, uint8_t number, const struct config_list *list,
		     struct error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < list->prefixes_count && !rc; i++)
		rc = prefixes_add(prefixes, number, &list->prefixes[i]);
	if (rc)
		return error_set(err, rc,
				 "list %s: more prefixes than limits.prefixes has room for, %u in "
				 "all",
				 list->name, prefixes->max);
	return list->file ? prefixes_read(prefixes, number, list->file, err) : 0;
}

static int guard_describe(struct guard *guard, const struct config_list *list)
{
	struct guard_list *to = &guard->lists[guard->lists_count++];
	struct stat st;

	snprintf(to->name, sizeof(to->name), "%s", list->name);
	if (!list->file)
		return 0;
	to->file = strdup(list->file);
	if (!stat(list->file, &st))
		to->changed_at = st.st_mtime;
	return to->file ? 0 : -ENOMEM;
}

static void guard_count(struct guard *guard, const struct prefixes *prefixes)
{
	for (uint32_t i = 0; i < prefixes->count; i++) {
		struct guard_list *list = &guard->lists[prefixes->all[i].list];

		if (lbd_addr_is4(&prefixes->all[i].prefix.addr))
			list->ipv4++;
		else
			list->ipv6++;
	}
}

static int guard_build(struct guard *guard, const struct prefixes *prefixes, struct error *err)
{
	struct ranges v4 = { 0 }, v6 = { 0 };
	int rc;

	guard->entries = calloc(guard->entries_room, sizeof(*guard->entries));
	rc = guard->entries ? ranges_make(prefixes, false, &v4) : -ENOMEM;
	if (!rc)
		rc = ranges_make(prefixes, true, &v6);
	if (!rc)
		rc = tree_make(&v4, &v6, guard->entries, guard->entries_room,
			       &guard->entries_count);
	ranges_free(&v4);
	ranges_free(&v6);
	if (rc == -ENOSPC)
		return error_set(
			err, rc,
			"lists: the search tree of %u prefixes doesn't fit limits.prefixes: "
			"%u; long IPv6 prefixes take more room than one",
			prefixes->count, prefixes->max);
	return rc ? error_set(err, rc, "out of memory") : 0;
}

int guard_read(const struct config *config, struct guard **ret, struct error *err)
{
	struct prefixes prefixes = { .max = config->limits.prefixes };
	struct guard *guard = calloc(1, sizeof(*guard));
	int64_t begun = monotonic_ms();
	int rc = 0;

	if (!guard)
		return error_set(err, -ENOMEM, "out of memory");
	guard->holders = 1;
	guard->entries_room = guard_room(config->limits.prefixes);
	for (uint32_t i = 0; i < config->lists_count && !rc; i++) {
		if (guard_describe(guard, &config->lists[i]))
			rc = error_set(err, -ENOMEM, "out of memory");
		else
			rc = guard_add(&prefixes, (uint8_t)i, &config->lists[i], err);
	}
	if (!rc)
		rc = guard_build(guard, &prefixes, err);
	guard_count(guard, &prefixes);
	prefixes_free(&prefixes);
	guard->loaded_at = time(NULL);
	guard->build_ms = (uint32_t)(monotonic_ms() - begun);
	if (rc)
		guard_release(guard);
	else
		*ret = guard;
	return rc;
}

struct guard *guard_hold(struct guard *guard)
{
	if (guard)
		__atomic_fetch_add(&guard->holders, 1, __ATOMIC_RELAXED);
	return guard;
}

void guard_release(struct guard *guard)
{
	if (!guard || __atomic_sub_fetch(&guard->holders, 1, __ATOMIC_ACQ_REL))
		return;
	for (uint32_t i = 0; i < guard->lists_count; i++)
		free(guard->lists[i].file);
	free(guard->entries);
	free(guard);
}

uint32_t guard_lists(const struct config *config, const struct config_names *names)
{
	uint32_t lists = 0;

	for (uint32_t i = 0; i < config->lists_count; i++)
		for (uint32_t j = 0; j < names->count; j++)
			if (!strcmp(config->lists[i].name, names->all[j]))
				lists |= 1U << i;
	return lists;
}
