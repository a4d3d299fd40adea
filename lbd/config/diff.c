// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both configs as the writer would put them down, walked along the table of
 * keys: a new key needs nothing here. Lists are sorted by what names their
 * entries and then merged, so that 100,000 prefixes take no longer than that.
 */
#include "config/diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/raw.h"

#define DIFF_PATH_MAX 512
#define DIFF_VALUE_MAX 256

struct diff {
	config_visit visit;
	void *context;
	int rc;
};

/* An entry of a list, and what it is called by. */
struct diff_item {
	const char *name;
	const void *value; /* raw struct, or the text itself */
};

struct diff_items {
	struct diff_item *all;
	uint32_t count;
};

static void diff_mapping(struct diff *diff, const struct key *keys, const void *old,
			 const void *new, const char *path);

static void diff_tell(struct diff *diff, const char *path, const char *old, const char *new)
{
	const struct config_change change = { path, old, new };

	if (!diff->rc)
		diff->visit(diff->context, &change);
}

static void *diff_pointer(const void *raw, uint32_t offset)
{
	return raw ? *(void *const *)((const char *)raw + offset) : NULL;
}

static const char *diff_text(const void *raw, const struct key *key)
{
	return diff_pointer(raw, key->offset);
}

static void diff_scalar(struct diff *diff, const struct key *key, const void *old, const void *new,
			const char *path)
{
	const char *a = diff_text(old, key), *b = diff_text(new, key);

	if (a != b && (!a || !b || strcmp(a, b) != 0))
		diff_tell(diff, path, a, b);
}

/* --- lists */

/* What an entry is called by: a person would say so too. */
static const char *diff_name(const struct key *children, const void *raw)
{
	static const char *const naming[] = { "name", "address", "id" };

	for (size_t i = 0; i < sizeof(naming) / sizeof(*naming); i++) {
		const struct key *key = keys_find(children, naming[i]);
		const char *name = key ? diff_text(raw, key) : NULL;

		if (name)
			return name;
	}
	return "";
}

static int diff_compare(const void *a, const void *b)
{
	return strcmp(((const struct diff_item *)a)->name, ((const struct diff_item *)b)->name);
}

static struct diff_items diff_sort(struct diff *diff, const struct key *key, const void *raw)
{
	struct diff_items items = { NULL, 0 };
	const char *list = diff_pointer(raw, key->offset);
	uint32_t count = list ? *(const uint32_t *)((const char *)raw + key->count_offset) : 0;

	items.all = calloc(count + 1UL, sizeof(*items.all));
	if (!items.all) {
		diff->rc = -ENOMEM;
		return items;
	}
	for (; items.count < count; items.count++) {
		const void *value = key->kind == KEY_MAPPINGS
					    ? list + (size_t)items.count * key->size
					    : ((const char *const *)list)[items.count];

		items.all[items.count] = (struct diff_item){
			key->kind == KEY_MAPPINGS ? diff_name(key->children, value) : value, value
		};
	}
	qsort(items.all, items.count, sizeof(*items.all), diff_compare);
	return items;
}

/* "vip: 192.0.2.1, port: 80": what an entry has besides its name and defaults. */
static void diff_describe(const struct key *keys, const void *raw, char *ret)
{
	size_t used = 0;

	ret[0] = '\0';
	for (const struct key *key = keys; key->name; key++) {
		const char *text = keys_is_scalar(key->kind) ? diff_text(raw, key) : NULL;

		if (!text || !strcmp(key->name, "name") ||
		    (key->standard && !strcmp(key->standard, text)))
			continue;
		if (used + strlen(text) + strlen(key->name) + 5 > DIFF_VALUE_MAX)
			break;
		used += (size_t)snprintf(ret + used, DIFF_VALUE_MAX - used, "%s%s: %s",
					 used ? ", " : "", key->name, text);
	}
}

/* Only one side has @item. */
static void diff_alone(struct diff *diff, const struct key *key, const struct diff_item *item,
		       bool is_new, const char *path)
{
	char at[DIFF_PATH_MAX], text[DIFF_VALUE_MAX];
	const char *value = item->value;

	snprintf(at, sizeof(at), "%.400s[%.100s]", path, item->name);
	if (key->kind == KEY_MAPPINGS) {
		diff_describe(key->children, item->value, text);
		value = text;
	}
	diff_tell(diff, key->kind == KEY_MAPPINGS ? at : path, is_new ? NULL : value,
		  is_new ? value : NULL);
}

static void diff_both(struct diff *diff, const struct key *key, const struct diff_item *old,
		      const struct diff_item *new, const char *path)
{
	char at[DIFF_PATH_MAX];

	if (key->kind != KEY_MAPPINGS)
		return;
	snprintf(at, sizeof(at), "%.400s[%.100s]", path, old->name);
	diff_mapping(diff, key->children, old->value, new->value, at);
}

static void diff_merge(struct diff *diff, const struct key *key, const struct diff_items *old,
		       const struct diff_items *new, const char *path)
{
	uint32_t i = 0, j = 0;

	while (i < old->count || j < new->count) {
		int order = i == old->count   ? 1
			    : j == new->count ? -1
					      : diff_compare(&old->all[i], &new->all[j]);

		if (order < 0)
			diff_alone(diff, key, &old->all[i++], false, path);
		else if (order > 0)
			diff_alone(diff, key, &new->all[j++], true, path);
		else
			diff_both(diff, key, &old->all[i++], &new->all[j++], path);
	}
}

static void diff_list(struct diff *diff, const struct key *key, const void *old, const void *new,
		      const char *path)
{
	struct diff_items a = diff_sort(diff, key, old), b = diff_sort(diff, key, new);

	if (!diff->rc)
		diff_merge(diff, key, &a, &b, path);
	free(a.all);
	free(b.all);
}

/* --- the walk */

static void diff_mapping(struct diff *diff, const struct key *keys, const void *old,
			 const void *new, const char *path)
{
	char at[DIFF_PATH_MAX];

	for (const struct key *key = keys; key->name && !diff->rc; key++) {
		snprintf(at, sizeof(at), "%.400s%s%s", path, *path ? "." : "", key->name);
		if (keys_is_scalar(key->kind))
			diff_scalar(diff, key, old, new, at);
		else if (key->kind == KEY_MAPPING)
			diff_mapping(diff, key->children, diff_pointer(old, key->offset),
				     diff_pointer(new, key->offset), at);
		else
			diff_list(diff, key, old, new, at);
	}
}

int config_diff(const struct config *old, const struct config *new, config_visit visit,
		void *context)
{
	struct raw_config *a = config_raw(old), *b = config_raw(new);
	struct diff diff = { visit, context, a && b ? 0 : -ENOMEM };

	if (!diff.rc)
		diff_mapping(&diff, keys_top, a, b, "");
	config_raw_free(a);
	config_raw_free(b);
	return diff.rc;
}

/* --- in a sentence */

struct diff_summary {
	char *text;
	int count;
};

static void diff_count(void *context, const struct config_change *change)
{
	struct diff_summary *summary = context;

	if (summary->count++)
		return;
	if (!change->old)
		snprintf(summary->text, CONFIG_SUMMARY_MAX, "%.90s added", change->path);
	else if (!change->new)
		snprintf(summary->text, CONFIG_SUMMARY_MAX, "%.90s removed", change->path);
	else
		snprintf(summary->text, CONFIG_SUMMARY_MAX, "%.80s %.24s -> %.24s", change->path,
			 change->old, change->new);
}

int config_summarise(const struct config *old, const struct config *new, char *text)
{
	struct diff_summary summary = { text, 0 };
	size_t used;
	int rc;

	snprintf(text, CONFIG_SUMMARY_MAX, "no change");
	rc = config_diff(old, new, diff_count, &summary);
	if (rc)
		return rc;
	used = strlen(text);
	if (summary.count > 1)
		snprintf(text + used, CONFIG_SUMMARY_MAX - used, ", and %d more",
			 summary.count - 1);
	return summary.count;
}
