// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/socket.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "lbd/api.h"

#define SOCKET_BACKLOG 64

static int socket_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
	size_t length = strlen(path);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if (length >= sizeof(ret->sun_path))
		return error_set(err, -ENAMETOOLONG,
				 "%s: %zu characters, a unix socket's path has at most %zu", path,
				 length, sizeof(ret->sun_path) - 1);
	memcpy(ret->sun_path, path, length);
	return 0;
}

/* 0: a daemon answers. -ECONNREFUSED: a dead one left the socket. -ENOENT: none there. */
static int socket_probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		rc = -errno;
	close(fd);
	/* EAGAIN: a live one with a full backlog, unix(7). */
	return rc == -EAGAIN ? 0 : rc;
}

static int socket_clear(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int rc;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : error_errno(err, -errno, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST, "%s: expected a socket or nothing, found a file",
				 path);
	rc = socket_probe(address);
	if (!rc) {
		error_set(err, -EADDRINUSE, "%s: another daemon answers there", path);
		error_hint(err, "systemctl status lbd");
		return -EADDRINUSE;
	}
	if (rc != -ECONNREFUSED)
		return error_errno(err, rc, "%s: trying whether a daemon answers", path);
	return unlink(path) ? error_errno(err, -errno, "removing stale %s", path) : 0;
}

static void socket_give_to_group(const char *path)
{
	const struct group *group = getgrnam(API_GROUP);

	if (group && chown(path, (uid_t)-1, group->gr_gid))
		log_warning("%s: can't be given to group %s, only root can use it: %s", path,
			    API_GROUP, strerror(errno));
}

int socket_listen(struct event_base *base, const char *path, struct evconnlistener **ret,
		  struct error *err)
{
	unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
	struct sockaddr_un address;
	mode_t mask;
	int rc;

	rc = socket_address(path, &address, err);
	if (!rc)
		rc = socket_clear(&address, err);
	if (rc)
		return rc;
	/* bind(2) creates the socket: a later chmod would leave a moment for everybody. */
	mask = umask(0117);
	*ret = evconnlistener_new_bind(base, NULL, NULL, flags, SOCKET_BACKLOG,
				       (struct sockaddr *)&address, sizeof(address));
	rc = -errno;
	umask(mask);
	if (!*ret)
		return error_errno(err, rc, "listening on %s", path);
	socket_give_to_group(path);
	return 0;
}

int socket_inherit(struct event_base *base, int fd, struct evconnlistener **ret, struct error *err)
{
	evutil_make_socket_nonblocking(fd);
	*ret = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
				  0, fd);
	return *ret ? 0 : error_set(err, -ENOMEM, "control API: out of memory");
}

/* An accepted connection has the name of the socket that it came to. */
static bool socket_is_of(int fd, const char *path)
{
	struct sockaddr_un name = { 0 };
	socklen_t size = sizeof(name), flag_size = sizeof(int);
	int listens = 1;

	return !getsockname(fd, (struct sockaddr *)&name, &size) && name.sun_family == AF_UNIX &&
	       !strncmp(name.sun_path, path, sizeof(name.sun_path)) &&
	       !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size) && !listens;
}

unsigned int socket_count(const char *path)
{
	DIR *all = opendir("/proc/self/fd");
	const struct dirent *item;
	unsigned int count = 0;

	while (all && (item = readdir(all)))
		count += *item->d_name != '.' && socket_is_of(atoi(item->d_name), path);
	if (all)
		closedir(all);
	return count;
}
