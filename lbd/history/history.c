// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "history/header.h"

#define HISTORY_BYTES_MAX (16LL << 20)
#define HISTORY_TEXT_MAX (17LL << 20) /* the largest config, and its header */
#define HISTORY_ENTRIES_MAX 1000
#define HISTORY_NUMBER_MAX 99999999
#define HISTORY_SUFFIX ".yaml"

/* --- the folder */

static int history_make_dir(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return error_errno(err, -errno, "make directory %s", path);
	return 0;
}

/* "000012.yaml": 12; 0: that is no entry's name. */
static uint32_t history_number(const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	return *name >= '0' && *name <= '9' && !strcmp(end, HISTORY_SUFFIX) &&
			       number <= HISTORY_NUMBER_MAX
		       ? (uint32_t)number
		       : 0;
}

/* A draft of a write that was killed: "000012.yaml.a1B2c3". */
static bool history_is_draft(const char *name)
{
	const char *suffix = strstr(name, HISTORY_SUFFIX ".");

	return suffix && *name >= '0' && *name <= '9';
}

int history_open(const char *dir, struct error *err)
{
	char parent[HISTORY_PATH_MAX], *slash;
	const struct dirent *item;
	DIR *stream;
	int rc;

	snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	rc = history_make_dir(parent, 0700, err);
	if (!rc)
		rc = history_make_dir(dir, 0700, err);
	stream = rc ? NULL : opendir(dir);
	if (!rc && !stream)
		rc = error_errno(err, -errno, "%s", dir);
	while (!rc && (item = readdir(stream)))
		if (history_is_draft(item->d_name))
			unlinkat(dirfd(stream), item->d_name, 0);
	if (stream)
		closedir(stream);
	return rc;
}

static int history_compare(const void *a, const void *b)
{
	const struct history_entry *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* The numbers of all files, garbage or not, in order; only the numbers are set. */
static int history_scan(const char *dir, struct history_entry **ret, uint32_t *ret_count)
{
	struct history_entry *all = calloc(HISTORY_ENTRIES_MAX, sizeof(*all));
	const struct dirent *item;
	uint32_t count = 0;
	DIR *stream;

	if (!all)
		return -ENOMEM;
	stream = opendir(dir);
	while (stream && count < HISTORY_ENTRIES_MAX && (item = readdir(stream))) {
		all[count].number = history_number(item->d_name);
		count += all[count].number != 0;
	}
	if (stream)
		closedir(stream);
	qsort(all, count, sizeof(*all), history_compare);
	*ret = all;
	*ret_count = count;
	return 0;
}

const char *history_path(const char *dir, uint32_t number, char *path)
{
	snprintf(path, HISTORY_PATH_MAX, "%.200s/%06u" HISTORY_SUFFIX, dir, number);
	return path;
}

/* --- reading */

static int history_open_file(const char *dir, uint32_t number, struct stat *st, char *path,
			     struct error *err)
{
	int fd = open(history_path(dir, number, path),
		      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		error_set(err, -ENOENT, "the history has no config %u", number);
		error_hint(err, "lbctl history");
		return -ENOENT;
	}
	if (fd < 0)
		return error_errno(err, -errno, "%s", path);
	if (fstat(fd, st) || !S_ISREG(st->st_mode) || st->st_size > HISTORY_TEXT_MAX) {
		close(fd);
		return error_set(err, -EINVAL, "%s isn't a config of the history", path);
	}
	return fd;
}

int history_text(const char *dir, uint32_t number, char **ret, struct error *err)
{
	char path[HISTORY_PATH_MAX], *text;
	struct stat st;
	int fd, rc;

	fd = history_open_file(dir, number, &st, path, err);
	if (fd < 0)
		return fd;
	text = calloc(1, (size_t)st.st_size + 1);
	rc = text ? file_read_whole(fd, path, text, (size_t)st.st_size, err)
		  : error_set(err, -ENOMEM, "out of memory");
	close(fd);
	if (rc)
		free(text);
	else
		*ret = text;
	return rc;
}

static bool history_read_header(const char *dir, struct history_entry *entry)
{
	char path[HISTORY_PATH_MAX], text[HEADER_MAX];
	struct stat st;
	ssize_t got;
	int fd;

	fd = history_open_file(dir, entry->number, &st, path, NULL);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return header_parse(text, entry);
}

int history_list(const char *dir, struct history_entry **ret, uint32_t *ret_count)
{
	uint32_t count = 0, all = 0;
	int rc = history_scan(dir, ret, &all);

	for (uint32_t i = 0; !rc && i < all; i++) {
		(*ret)[count] = (*ret)[i];
		count += history_read_header(dir, &(*ret)[count]);
	}
	*ret_count = count;
	return rc;
}

int history_load(const char *dir, uint32_t number, struct config **ret, struct error *err)
{
	char path[HISTORY_PATH_MAX], *text;
	int rc = history_text(dir, number, &text, err);

	if (rc)
		return rc;
	rc = config_parse(text, strlen(text), history_path(dir, number, path), ret, err);
	free(text);
	return rc;
}

int history_last_good(const char *dir, const char *file, struct history_entry *ret_entry,
		      struct config **ret)
{
	struct history_entry *all;
	uint32_t count;
	int rc = history_list(dir, &all, &count);

	if (rc)
		return rc;
	for (rc = -ENOENT; rc && count; count--) {
		const struct history_entry *entry = &all[count - 1];

		if (entry->result != HISTORY_IS_APPLIED || (file && strcmp(entry->file, file) != 0))
			continue;
		rc = history_load(dir, entry->number, ret, NULL);
		*ret_entry = *entry;
	}
	free(all);
	return rc ? -ENOENT : 0;
}

/* --- writing */

static int history_write(const char *dir, const struct history_entry *entry, const char *config,
			 size_t config_size, struct error *err)
{
	char path[HISTORY_PATH_MAX], header[HEADER_MAX], *text = NULL;
	int rc, size;

	header_format(entry, header);
	size = asprintf(&text, "%s%.*s", header, (int)config_size, config);
	if (size < 0)
		return error_set(err, -ENOMEM, "out of memory");
	rc = file_write_whole(history_path(dir, entry->number, path), text, (size_t)size, err);
	free(text);
	return rc;
}

/* The newest good one, or 0. */
static uint32_t history_newest_good(const char *dir)
{
	struct history_entry *all;
	uint32_t count, good = 0;

	if (history_list(dir, &all, &count))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (all[i].result == HISTORY_IS_APPLIED)
			good = all[i].number;
	free(all);
	return good;
}

/* From the newest to the oldest: once there are enough, or too many bytes, the others go. */
static void history_prune(const char *dir, uint32_t keep)
{
	const uint32_t good = history_newest_good(dir);
	struct history_entry *all;
	char path[HISTORY_PATH_MAX];
	long long bytes = 0;
	uint32_t count, kept = 0;
	struct stat st;

	if (history_scan(dir, &all, &count))
		return;
	for (; count; count--) {
		const uint32_t number = all[count - 1].number;

		if (!stat(history_path(dir, number, path), &st))
			bytes += st.st_size;
		if ((kept++ < keep && bytes <= HISTORY_BYTES_MAX) || number >= good)
			continue;
		unlink(path);
	}
	free(all);
}

/* After the newest that is an entry: a stray file of a huge number must not use them up. */
static uint32_t history_next(const char *dir)
{
	struct history_entry *all;
	uint32_t count, next = 1;

	if (history_list(dir, &all, &count))
		return next;
	if (count)
		next = all[count - 1].number + 1;
	free(all);
	return next;
}

int history_add(const char *dir, struct history_entry *entry, const struct config *config,
		uint32_t keep, struct error *err)
{
	char *text = NULL;
	size_t size;
	int rc;

	entry->number = history_next(dir);
	rc = config_format(config, &text, &size, err);
	if (!rc)
		rc = history_write(dir, entry, text, size, err);
	free(text);
	if (!rc)
		history_prune(dir, keep);
	return rc;
}

int history_set_result(const char *dir, uint32_t number, enum history_result result,
		       struct error *err)
{
	struct history_entry entry = { .number = number };
	char *text;
	int rc = history_text(dir, number, &text, err);

	if (rc)
		return rc;
	if (header_parse(text, &entry)) {
		const char *config = header_skip(text);

		entry.result = result;
		rc = history_write(dir, &entry, config, strlen(config), err);
	} else {
		rc = error_set(err, -EINVAL, "config %u of the history has no header", number);
	}
	free(text);
	return rc;
}

void history_remove(const char *dir, uint32_t number)
{
	char path[HISTORY_PATH_MAX];

	unlink(history_path(dir, number, path));
}
