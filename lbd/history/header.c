// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const history_triggers[HISTORY_TRIGGER_COUNT] = {
#define X(constant, name, what) name,
	HISTORY_TRIGGERS(X)
#undef X
};

const char *const history_results[HISTORY_RESULT_COUNT] = {
#define X(constant, name, what) name,
	HISTORY_RESULTS(X)
#undef X
};

const char *const history_origins[HISTORY_ORIGIN_COUNT] = {
#define X(constant, name, what) name,
	HISTORY_ORIGINS(X)
#undef X
};

static void header_time(int64_t at, char *text, size_t size)
{
	time_t when = (time_t)at;
	struct tm broken;

	if (!gmtime_r(&when, &broken) || !strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &broken))
		text[0] = '\0';
}

/* A value ends at the line's end: nothing in it may end it before. */
static const char *header_line(const char *from, char *to, size_t size)
{
	snprintf(to, size, "%s", from);
	for (char *c = to; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	return to;
}

size_t header_format(const struct history_entry *entry, char *text)
{
	char when[64], summary[CONFIG_SUMMARY_MAX], file[HISTORY_FILE_MAX];

	header_time(entry->at, when, sizeof(when));
	return (size_t)snprintf(
		text, HEADER_MAX,
		"# Config %u of lbd's history, in force since %s\n"
		"# at: %" PRId64 "\n# trigger: %s\n# result: %s\n# origin: %s\n"
		"# changes: %u\n# summary: %s\n# file: %s\n"
		"# text: %016" PRIx64 "\n# instead-of: %016" PRIx64 "\n",
		entry->number, when, entry->at, history_triggers[entry->trigger],
		history_results[entry->result], history_origins[entry->origin], entry->changes,
		header_line(entry->summary, summary, sizeof(summary)),
		header_line(entry->file, file, sizeof(file)), entry->text_hash, entry->instead_of);
}

/* The value of @key, into @value. Only the lines before the config count. */
static bool header_value(const char *text, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (; *text == '#'; text += strcspn(text, "\n"), text += *text == '\n') {
		if (strncmp(text, "# ", 2) != 0 || strncmp(text + 2, key, length) != 0 ||
		    strncmp(text + 2 + length, ": ", 2) != 0)
			continue;
		text += 2 + length + 2;
		snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
		return true;
	}
	return false;
}

/* Its place in @names; -1: it isn't there. */
static int header_word(const char *text, const char *key, const char *const *names, int count)
{
	char value[32];

	if (!header_value(text, key, value, sizeof(value)))
		return -1;
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], value))
			return i;
	return -1;
}

static bool header_number(const char *text, const char *key, int base, uint64_t *ret)
{
	char value[32], *end;

	if (!header_value(text, key, value, sizeof(value)))
		return false;
	*ret = strtoull(value, &end, base);
	return *value && !*end;
}

bool header_parse(const char *text, struct history_entry *ret)
{
	int trigger = header_word(text, "trigger", history_triggers, HISTORY_TRIGGER_COUNT);
	int result = header_word(text, "result", history_results, HISTORY_RESULT_COUNT);
	int origin = header_word(text, "origin", history_origins, HISTORY_ORIGIN_COUNT);
	uint64_t at, changes;

	if (trigger < 0 || result < 0 || origin < 0 || !header_number(text, "at", 10, &at) ||
	    !header_number(text, "changes", 10, &changes) ||
	    !header_number(text, "text", 16, &ret->text_hash) ||
	    !header_number(text, "instead-of", 16, &ret->instead_of) ||
	    !header_value(text, "summary", ret->summary, sizeof(ret->summary)) ||
	    !header_value(text, "file", ret->file, sizeof(ret->file)))
		return false;
	ret->at = (int64_t)at;
	ret->changes = (uint32_t)changes;
	ret->trigger = (enum history_trigger)trigger;
	ret->result = (enum history_result)result;
	ret->origin = (enum history_origin)origin;
	return true;
}

const char *header_skip(const char *text)
{
	while (*text == '#') {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}
