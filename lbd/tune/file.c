// SPDX-License-Identifier: GPL-2.0-or-later
#include "tune/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_read(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	ssize_t length;

	ret[0] = 0;
	if (fd < 0)
		return -errno;
	length = read(fd, ret, size - 1);
	rc = length < 0 ? -errno : 0;
	close(fd);
	ret[length < 0 ? 0 : length] = 0;
	ret[strcspn(ret, "\n")] = 0;
	return rc;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

uint32_t file_number(const char *path)
{
	char text[32];

	if (file_read(path, text, sizeof(text)))
		return 0;
	return (uint32_t)strtoul(text, NULL, 10);
}
