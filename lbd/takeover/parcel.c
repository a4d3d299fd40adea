// SPDX-License-Identifier: GPL-2.0-or-later
#include "takeover/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PARCEL_FDS 3
#define PARCEL_BACKLOG 4
#define PARCEL_VARIABLE "LBD_PARCEL"

/* --- the socket */

static int parcel_socket(const char *run_dir, struct sockaddr_un *ret, struct error *err)
{
	int length, fd;

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	length = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/" PARCEL_SOCKET_NAME, run_dir);
	if (length < 0 || (size_t)length >= sizeof(ret->sun_path))
		return error_set(err, -ENAMETOOLONG, "%s is too long for a socket", run_dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd < 0 ? error_errno(err, -errno, "socket") : fd;
}

int parcel_listen(const char *run_dir, struct error *err)
{
	struct sockaddr_un address;
	int fd = parcel_socket(run_dir, &address, err), rc = 0;
	mode_t mask;

	if (fd < 0)
		return fd;
	/* Whoever gets here has the lock: what is there is of one that is gone. */
	unlink(address.sun_path);
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, PARCEL_BACKLOG))
		rc = error_errno(err, -errno, "listening on %s", address.sun_path);
	umask(mask);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int parcel_connect(const char *run_dir, struct error *err)
{
	struct sockaddr_un address;
	int fd = parcel_socket(run_dir, &address, err), rc;

	if (fd < 0 || !connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	rc = error_errno(err, -errno, "%s", address.sun_path);
	close(fd);
	return rc;
}

int parcel_check_peer(int fd, int *ret_pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	*ret_pid = peer.pid;
	return peer.uid == geteuid() ? 0 : -EPERM;
}

/* --- messages */

static void parcel_fds(const struct parcel *parcel, int fds[PARCEL_FDS])
{
	fds[0] = parcel->api;
	fds[1] = parcel->lock;
	fds[2] = parcel->memory;
}

static void parcel_pack(struct msghdr *message, const struct parcel *parcel, char *control,
			size_t size)
{
	struct cmsghdr *header;
	int fds[PARCEL_FDS];

	message->msg_control = control;
	message->msg_controllen = size;
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	parcel_fds(parcel, fds);
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
}

int parcel_send(int fd, const char *line, const struct parcel *parcel)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int[PARCEL_FDS]))] = { 0 };
	char text[PARCEL_LINE_MAX];
	struct iovec part = { text, 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	snprintf(text, sizeof(text), "%s", line);
	part.iov_len = strlen(text);
	if (parcel)
		parcel_pack(&message, parcel, control, sizeof(control));
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Whatever files came; other than a whole parcel is closed. */
static void parcel_unpack(struct msghdr *message, struct parcel *ret)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fds[PARCEL_FDS];
	size_t count;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), (count < PARCEL_FDS ? count : PARCEL_FDS) * sizeof(int));
	if (count == PARCEL_FDS) {
		*ret = (struct parcel){ fds[0], fds[1], fds[2] };
		return;
	}
	for (size_t i = 0; i < count && i < PARCEL_FDS; i++)
		close(fds[i]);
}

int parcel_receive(int fd, char line[PARCEL_LINE_MAX], struct parcel *ret)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int[PARCEL_FDS]))];
	struct iovec part = { line, PARCEL_LINE_MAX - 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	*ret = (struct parcel)PARCEL_NONE;
	line[got > 0 ? got : 0] = '\0';
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	parcel_unpack(&message, ret);
	return got ? 0 : -EPIPE;
}

static void parcel_close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void parcel_close(struct parcel *parcel)
{
	parcel_close_one(&parcel->api);
	parcel_close_one(&parcel->lock);
	parcel_close_one(&parcel->memory);
}

/* --- through an exec */

static int parcel_set_kept(const struct parcel *parcel, bool kept)
{
	int fds[PARCEL_FDS];

	parcel_fds(parcel, fds);
	for (int i = 0; i < PARCEL_FDS; i++)
		if (fcntl(fds[i], F_SETFD, kept ? 0 : FD_CLOEXEC))
			return -errno;
	return 0;
}

int parcel_keep(const struct parcel *parcel)
{
	char text[64];

	snprintf(text, sizeof(text), "%d,%d,%d", parcel->api, parcel->lock, parcel->memory);
	if (setenv(PARCEL_VARIABLE, text, 1))
		return -errno;
	return parcel_set_kept(parcel, true);
}

bool parcel_find(struct parcel *ret)
{
	const char *text = getenv(PARCEL_VARIABLE);
	struct parcel found;
	bool sound;

	if (!text)
		return false;
	sound = sscanf(text, "%d,%d,%d", &found.api, &found.lock, &found.memory) == PARCEL_FDS &&
		!parcel_set_kept(&found, false);
	unsetenv(PARCEL_VARIABLE);
	if (sound)
		*ret = found;
	return sound;
}
