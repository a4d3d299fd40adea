// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lbd/maps.h"

#define PAST_LINE_MAX 4096

const char *past_path(const char *history_dir, char *path)
{
	snprintf(path, PAST_PATH_MAX, "%.200s/upgrades.jsonl", history_dir);
	return path;
}

/* Names of files may be of any bytes. */
static json_t *past_text(const char *text)
{
	json_t *json = text && *text ? json_string(text) : NULL;

	return json ? json : json_null();
}

static json_t *past_json(const struct past_entry *entry)
{
	return json_pack("{s:I, s:s, s:o, s:f, s:o, s:s, s:o, s:o, s:I, s:I}", "at",
			 (json_int_t)entry->at, "kind", entry->kind, "object",
			 past_text(entry->object), "share", (double)entry->share / LBD_SPLIT_WHOLE,
			 "services", past_text(entry->services), "result", entry->result, "why",
			 past_text(entry->why), "evidence", past_text(entry->evidence), "packets",
			 (json_int_t)entry->packets, "harmed", (json_int_t)entry->harmed);
}

json_t *past_list(const char *path)
{
	json_t *list = json_array();
	FILE *file = list ? fopen(path, "re") : NULL;
	char line[PAST_LINE_MAX];

	while (file && json_array_size(list) <= PAST_MAX && fgets(line, sizeof(line), file)) {
		json_t *entry = json_loads(line, 0, NULL);

		if (json_is_object(entry))
			json_array_append(list, entry);
		json_decref(entry);
	}
	if (file)
		fclose(file);
	return list;
}

static char *past_format(const json_t *list, size_t *ret_size)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, ret_size);
	const json_t *entry;
	size_t i;

	if (!stream)
		return NULL;
	json_array_foreach(list, i, entry) {
		json_dumpf(entry, stream, JSON_COMPACT);
		fputc('\n', stream);
	}
	return fclose(stream) ? NULL : text;
}

int past_add(const char *path, const struct past_entry *entry, struct error *err)
{
	json_t *list = past_list(path);
	char *text = NULL;
	size_t size;
	int rc;

	if (list && !json_array_append_new(list, past_json(entry))) {
		while (json_array_size(list) > PAST_MAX)
			json_array_remove(list, 0);
		text = past_format(list, &size);
	}
	rc = text ? file_write_whole(path, text, size, err)
		  : error_set(err, -ENOMEM, "out of memory");
	free(text);
	json_decref(list);
	return rc;
}
