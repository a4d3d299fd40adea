// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int file_read_whole(int fd, const char *path, char *text, size_t size, struct error *err)
{
	size_t used = 0;
	ssize_t got;

	while (used < size && (got = read(fd, text + used, size - used)) != 0) {
		if (got < 0)
			return error_errno(err, -errno, "%s", path);
		used += (size_t)got;
	}
	return used == size ? 0 : error_set(err, -EIO, "%s: changed while it was read", path);
}

static int file_write(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t wrote = write(fd, text, size);

		if (wrote < 0)
			return -errno;
		text += wrote;
		size -= (size_t)wrote;
	}
	return fsync(fd) ? -errno : 0;
}

int file_write_whole(const char *path, const char *text, size_t size, struct error *err)
{
	char draft[PATH_MAX];
	int fd, rc;

	if (snprintf(draft, sizeof(draft), "%s.XXXXXX", path) >= (int)sizeof(draft))
		return error_errno(err, -ENAMETOOLONG, "%s", path);
	fd = mkostemp(draft, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return error_errno(err, -errno, "%s", draft);
	rc = file_write(fd, text, size);
	close(fd);
	if (!rc && rename(draft, path))
		rc = -errno;
	if (rc) {
		unlink(draft);
		error_errno(err, rc, "write %s", path);
	}
	return rc;
}
