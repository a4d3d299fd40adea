// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/curve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

int curve_check(struct error *err)
{
	if (zmq_has("curve"))
		return 0;
	error_set(err, -EOPNOTSUPP,
		  "this libzmq was built without CURVE: peers can't be encrypted");
	error_hint(err, "install a libzmq with CURVE, or say cluster.security: plaintext");
	return -EOPNOTSUPP;
}

int curve_generate(struct curve_pair *ret, struct error *err)
{
	int code = curve_check(err);

	if (code)
		return code;
	if (zmq_curve_keypair(ret->public, ret->secret))
		return error_errno(err, -errno, "cannot make a key pair");
	return 0;
}

void curve_forget(struct curve_pair *pair)
{
	explicit_bzero(pair, sizeof(*pair));
}

/* --- the file: the secret key and a newline */

int curve_write(const char *path, const struct curve_pair *pair, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int code = 0;

	if (fd < 0) {
		code = error_errno(err, -errno, "%s", path);
		if (code == -EEXIST)
			error_hint(err, "lbctl keygen --public %s", path);
		return code;
	}
	if (fchmod(fd, 0600) || dprintf(fd, "%s\n", pair->secret) != Z85_KEY_SIZE || fsync(fd))
		code = error_errno(err, errno ? -errno : -EIO, "%s", path);
	close(fd);
	if (code)
		unlink(path);
	return code;
}

/* Whoever else owns the file could put a key of theirs there. */
static int curve_check_owner(const struct stat *st, const char *path, struct error *err)
{
	if (st->st_uid == geteuid() || st->st_uid == 0)
		return 0;
	error_set(err, -EPERM, "%s: belongs to user %u, expected root or user %u", path,
		  (unsigned)st->st_uid, (unsigned)geteuid());
	error_hint(err, "chown %u %s", (unsigned)geteuid(), path);
	return -EPERM;
}

static int curve_check_file(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return error_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s: expected a regular file", path);
	if (st.st_mode & 077) {
		error_set(err, -EPERM, "%s: mode is %04o, expected 0600 or stricter", path,
			  st.st_mode & 07777U);
		error_hint(err, "chmod 0600 %s", path);
		return -EPERM;
	}
	return curve_check_owner(&st, path, err);
}

/* One key, and nothing behind it but a newline. */
static int curve_take_text(char *text, const char *path, struct curve_pair *ret, struct error *err)
{
	size_t length = strcspn(text, "\r\n");
	bool alone = text[length + strspn(text + length, "\r\n")] == '\0';

	text[length] = '\0';
	if (!alone || !z85_is_key(text) || zmq_curve_public(ret->public, text)) {
		error_set(err, -EINVAL, "%s: expected a secret key, %d characters of Z85", path,
			  Z85_KEY_LENGTH);
		error_hint(err, "lbctl keygen FILE makes one; peers need its public key");
		return -EINVAL;
	}
	memcpy(ret->secret, text, Z85_KEY_SIZE);
	return 0;
}

int curve_read(const char *path, struct curve_pair *ret, struct error *err)
{
	char text[Z85_KEY_SIZE + 4] = "";
	int fd, code = curve_check(err);

	if (code)
		return code;
	/* What is no regular file must not keep us waiting before we see that. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		code = error_errno(err, -errno, "%s", path);
		if (code == -ENOENT)
			error_hint(err, "lbctl keygen %s", path);
		return code;
	}
	code = curve_check_file(fd, path, err);
	if (!code && read(fd, text, sizeof(text) - 1) < 0)
		code = error_errno(err, -errno, "%s", path);
	if (!code)
		code = curve_take_text(text, path, ret, err);
	explicit_bzero(text, sizeof(text));
	close(fd);
	return code;
}

/* --- sockets */

static int curve_set_pair(void *socket, const struct curve_pair *own)
{
	return zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own->public, Z85_KEY_SIZE) ||
	       zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own->secret, Z85_KEY_SIZE);
}

int curve_serve(void *socket, const struct curve_pair *own)
{
	int on = 1;

	if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof(on)) ||
	    curve_set_pair(socket, own))
		return -errno;
	return 0;
}

int curve_join(void *socket, const struct curve_pair *own, const char *server)
{
	if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, Z85_KEY_SIZE) ||
	    curve_set_pair(socket, own))
		return -errno;
	return 0;
}
