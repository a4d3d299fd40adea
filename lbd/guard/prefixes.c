// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/prefixes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PREFIXES_SPACE " \t\r"

int prefixes_add(struct prefixes *prefixes, uint8_t list, const struct addr_prefix *prefix)
{
	uint32_t room = prefixes->room ? 2 * prefixes->room : 256;
	struct guard_prefix *all = prefixes->all;

	if (prefixes->count == prefixes->max)
		return -ENOSPC;
	if (prefixes->count == prefixes->room) {
		all = realloc(all, room * sizeof(*all));
		if (!all)
			return -ENOMEM;
		prefixes->all = all;
		prefixes->room = room;
	}
	all[prefixes->count++] = (struct guard_prefix){ *prefix, list };
	return 0;
}

/* A lone address is the prefix of its full length. */
static int prefixes_parse(const char *text, struct addr_prefix *ret)
{
	if (strchr(text, '/'))
		return addr_parse_prefix(text, ret);
	if (addr_parse(text, &ret->addr))
		return -EINVAL;
	ret->length = lbd_addr_is4(&ret->addr) ? 32 : 128;
	return 0;
}

/* Cut @line down to its first word, "" if there is none. */
static char *prefixes_word(char *line, char **ret_rest)
{
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, PREFIXES_SPACE);
	*ret_rest = line + strcspn(line, PREFIXES_SPACE);
	if (**ret_rest)
		*(*ret_rest)++ = '\0';
	*ret_rest += strspn(*ret_rest, PREFIXES_SPACE);
	return line;
}

static int prefixes_line(struct prefixes *prefixes, uint8_t list, const char *path, uint32_t number,
			 char *line, struct error *err)
{
	struct addr_prefix prefix;
	char *rest;
	int rc;

	line = prefixes_word(line, &rest);
	if (!*line)
		return 0;
	if (*rest || prefixes_parse(line, &prefix))
		return error_set(err, -EINVAL,
				 "%s:%u: came \"%.60s%s%.60s\", expected a prefix such as "
				 "192.0.2.0/24 (no host bits) or an address",
				 path, number, line, *rest ? " " : "", rest);
	rc = prefixes_add(prefixes, list, &prefix);
	if (rc == -ENOSPC)
		return error_set(
			err, rc,
			"%s:%u: more prefixes than limits.prefixes has room for, %u in all", path,
			number, prefixes->max);
	return rc ? error_set(err, rc, "out of memory") : 0;
}

/* @text ends with a NUL, and is written to. */
static int prefixes_lines(struct prefixes *prefixes, uint8_t list, const char *path, char *text,
			  size_t size, struct error *err)
{
	char *line = text, *end = text + size;
	uint32_t number = 1;
	int rc = 0;

	for (; line < end && !rc; number++) {
		size_t length = strcspn(line, "\n");
		char *next = line + length + 1;

		if (line + length < end && line[length] != '\n')
			return error_set(err, -EINVAL, "%s:%u: a NUL byte, expected text", path,
					 number);
		line[length] = '\0';
		rc = prefixes_line(prefixes, list, path, number, line, err);
		line = next;
	}
	return rc;
}

static int prefixes_check(int fd, const char *path, size_t *ret_size, struct error *err)
{
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st))
		return error_errno(err, -errno, "%s", path);
	*ret_size = (size_t)st.st_size;
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s: expected a regular file", path);
	if (st.st_size > PREFIXES_FILE_MAX)
		return error_set(err, -EINVAL, "%s: %lld bytes, expected at most %u", path,
				 (long long)st.st_size, PREFIXES_FILE_MAX);
	if (st.st_mode & S_IWOTH) {
		rc = error_set(err, -EPERM, "%s: mode is %04o: anybody may write to it", path,
			       st.st_mode & 07777U);
		error_hint(err, "chmod o-w %s", path);
	}
	return rc;
}

int prefixes_read(struct prefixes *prefixes, uint8_t list, const char *path, struct error *err)
{
	char *text = NULL;
	size_t size = 0;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(err, -errno, "%s", path);
	rc = prefixes_check(fd, path, &size, err);
	if (!rc && !(text = calloc(1, size + 1)))
		rc = error_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = file_read_whole(fd, path, text, size, err);
	if (!rc)
		rc = prefixes_lines(prefixes, list, path, text, size, err);
	free(text);
	close(fd);
	return rc;
}

void prefixes_free(struct prefixes *prefixes)
{
	free(prefixes->all);
	*prefixes = (struct prefixes){ 0 };
}
