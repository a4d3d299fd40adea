// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"

#include <errno.h>
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
