// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_DIGITS 32

const struct lbd_secret secret_public = { { 0x6c62642d6d61676cULL, 0x65762d7075626cULL } };

int secret_random(struct lbd_secret *ret)
{
	return getrandom(ret, sizeof(*ret), 0) == sizeof(*ret) ? 0 : -EIO;
}

static int secret_check_mode(int fd, const char *path, struct error *err)
{
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st))
		return error_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		rc = error_set(err, -EINVAL, "%s: expected a regular file", path);
	else if (st.st_mode & 077)
		rc = error_set(err, -EPERM, "%s: mode is %04o, expected 0600 or stricter", path,
			       st.st_mode & 07777U);
	if (rc == -EPERM)
		error_hint(err, "chmod 0600 %s", path);
	return rc;
}

static int secret_decode(const char *digits, struct lbd_secret *ret)
{
	char half[2][17] = { 0 };
	int used[2] = { 0 };

	if (strspn(digits, "0123456789abcdefABCDEF") != SECRET_DIGITS)
		return -EINVAL;
	memcpy(half[0], digits, 16);
	memcpy(half[1], digits + 16, 16);
	for (int i = 0; i < 2; i++) {
		unsigned long long word;

		if (sscanf(half[i], "%16llx%n", &word, &used[i]) != 1 || used[i] != 16)
			return -EINVAL;
		ret->words[i] = word;
	}
	return 0;
}

int secret_read(const char *path, struct lbd_secret *ret, struct error *err)
{
	char digits[SECRET_DIGITS + 3] = "";
	ssize_t got;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, -errno, "%s", path);
	rc = secret_check_mode(fd, path, err);
	if (rc)
		goto out;
	got = read(fd, digits, sizeof(digits) - 1);
	if (got < SECRET_DIGITS || secret_decode(digits, ret)) {
		rc = error_set(err, -EINVAL, "%s: expected %d hexadecimal digits", path,
			       SECRET_DIGITS);
		error_hint(err, "openssl rand -hex 16 > %s", path);
	}
out:
	close(fd);
	return rc;
}
