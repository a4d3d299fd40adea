// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/runfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int runfile_path(const char *dir, const char *name, const char *suffix, char *ret)
{
	int length = snprintf(ret, PATH_MAX, "%s/%s%s", dir, name, suffix);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int runfile_fill(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s\n", line) < 0)
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

static int runfile_replace(const char *dir, const char *name, const char *line)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int rc;

	if (runfile_path(dir, name, "", path) || runfile_path(dir, name, ".lbd", temporary))
		return -ENAMETOOLONG;
	rc = runfile_fill(temporary, line);
	if (rc)
		return rc;
	return rename(temporary, path) ? -errno : 0;
}

int runfile_write(const char *dir, const char *name, const char *line, struct error *err)
{
	int rc = runfile_replace(dir, name, line);

	return rc ? error_errno(err, rc, "%s/%s", dir, name) : 0;
}

static int64_t runfile_age_ms(int fd)
{
	struct timespec now;
	struct stat st;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	if (fstat(fd, &st))
		return 0;
	age = (now.tv_sec - st.st_mtim.tv_sec) * 1000 +
	      (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
	return age > 0 ? age : 0;
}

int runfile_read(const char *dir, const char *name, char *line, size_t size, int64_t *ret_age_ms)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd, rc;

	rc = runfile_path(dir, name, "", path);
	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	got = read(fd, line, size - 1);
	rc = got < 0 ? -errno : 0;
	line[got > 0 ? got : 0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (ret_age_ms)
		*ret_age_ms = runfile_age_ms(fd);
	close(fd);
	return rc;
}
