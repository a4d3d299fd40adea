// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/door.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DOOR_BACKLOG 64
#define DOOR_CONNECTIONS_MAX 256 /* remembered, of all guests */
#define DOOR_GUESTS_MAX 64
#define DOOR_FILTER_MAX (9 * DOOR_GUESTS_MAX + 1)
#define DOOR_SECOND_US (1000 * 1000LL)

struct door_guest {
	struct lbd_addr addr;
	uint32_t accepted; /* in the second that began at */
	int64_t second_us;
	int64_t shut_us; /* until; 0: not shut out */
};

/*
 * The descriptor is ZeroMQ's, which closes it at any time; it may be another
 * socket then, which the cookie tells. Our own one of the same socket is what
 * it can be cut by, and shows who has ended it.
 */
struct door_connection {
	int fd;
	int own;
	uint64_t cookie;
	struct lbd_addr addr;
	bool silent; /* nothing came of it yet */
};

struct door {
	int fd;
	struct addr_endpoint address;
	struct door_guest guests[DOOR_GUESTS_MAX];
	uint32_t guests_count;
	struct door_connection connections[DOOR_CONNECTIONS_MAX];
	uint32_t connections_count;
	uint32_t silent_count;
	int64_t swept_us;
	uint32_t drops; /* of the socket, as last read */
	bool shutting;	/* is any guest shut out? */
};

/* --- the filter: classic BPF at the socket, which children inherit */

struct door_filter {
	struct sock_filter code[DOOR_FILTER_MAX];
	uint16_t count;
};

static void door_filter_add(struct door_filter *filter, struct sock_filter instruction)
{
	filter->code[filter->count++] = instruction;
}

/* Accept if the source is @addr; else go on behind this. */
static void door_filter_guest(struct door_filter *filter, const struct lbd_addr *addr)
{
	const bool v4 = lbd_addr_is4(addr);
	const int first = v4 ? 3 : 0;
	const uint32_t source = (uint32_t)SKF_NET_OFF + (v4 ? 12 : 8);

	for (int i = first; i < 4; i++) {
		const uint8_t skip = (uint8_t)(2 * (3 - i) + 1);

		door_filter_add(filter,
				(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							     source + 4 * (uint32_t)(i - first)));
		door_filter_add(filter,
				(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							     ntohl(addr->words[i]), 0, skip));
	}
	door_filter_add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX));
}

static int door_filter_set(const struct door *door)
{
	struct door_filter filter = { .count = 0 };
	struct sock_fprog program;

	for (uint32_t i = 0; i < door->guests_count; i++)
		if (!door->guests[i].shut_us)
			door_filter_guest(&filter, &door->guests[i].addr);
	door_filter_add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
	program = (struct sock_fprog){ .len = filter.count, .filter = filter.code };
	return setsockopt(door->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program))
		       ? -errno
		       : 0;
}

/* --- guests */

static struct door_guest *door_find(struct door_guest *guests, uint32_t count,
				    const struct lbd_addr *addr)
{
	for (uint32_t i = 0; i < count; i++)
		if (lbd_addr_equal(&guests[i].addr, addr))
			return &guests[i];
	return NULL;
}

int door_invite(struct door *door, struct door_guests guests)
{
	struct door_guest before[DOOR_GUESTS_MAX];
	const uint32_t before_count = door->guests_count;
	const struct door_guest *known;

	memcpy(before, door->guests, sizeof(before));
	door->guests_count = 0;
	for (uint32_t i = 0; i < guests.count; i++) {
		if (door_find(door->guests, door->guests_count, &guests.all[i]))
			continue; /* peers may share a host */
		if (door->guests_count == DOOR_GUESTS_MAX)
			return -E2BIG;
		known = door_find(before, before_count, &guests.all[i]);
		door->guests[door->guests_count++] =
			known ? *known : (struct door_guest){ .addr = guests.all[i] };
	}
	return door_filter_set(door);
}

/* --- the socket */

static int door_set(int fd, int option, int value)
{
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) ? -errno : 0;
}

/* A peer that lost its power leaves a connection that nobody closes. Children inherit this. */
static int door_keep_alive(int fd)
{
	const struct {
		int option, value;
	} options[] = { { TCP_KEEPIDLE, 5 }, { TCP_KEEPINTVL, 1 }, { TCP_KEEPCNT, 5 } };

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (setsockopt(fd, IPPROTO_TCP, options[i].option, &options[i].value, sizeof(int)))
			return -errno;
	return door_set(fd, SO_KEEPALIVE, 1);
}

/*
 * Two sockets listen at one address while the second takes over from the first:
 * both allow it, and a program says that connections are the second's.
 */
static int door_take_over(int fd)
{
	struct sock_filter second = BPF_STMT(BPF_RET | BPF_K, 1);
	struct sock_fprog program = { .len = 1, .filter = &second };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program))
		       ? -errno
		       : 0;
}

void door_settle(struct door *door)
{
	door_set(door->fd, SO_REUSEPORT, 0);
}

static int door_prepare(struct door *door, struct door_guests guests)
{
	int err = door_set(door->fd, SO_REUSEADDR, 1);

	if (!err)
		err = door_keep_alive(door->fd);
	return err ? err : door_invite(door, guests);
}

static int door_listen(struct door *door)
{
	struct sockaddr_storage addr;
	socklen_t size = addr_to_sockaddr(&door->address.addr, door->address.port, &addr);

	if (bind(door->fd, (struct sockaddr *)&addr, size) || listen(door->fd, DOOR_BACKLOG))
		return -errno;
	return 0;
}

static int door_listen_beside(struct door *door, const struct door *before)
{
	int err = door_set(before->fd, SO_REUSEPORT, 1);

	if (!err)
		err = door_set(door->fd, SO_REUSEPORT, 1);
	if (!err)
		err = door_listen(door);
	if (!err)
		err = door_take_over(door->fd);
	if (err)
		door_set(before->fd, SO_REUSEPORT, 0);
	return err;
}

int door_open(const struct addr_endpoint *address, const struct door *before,
	      struct door_guests guests, struct door **ret)
{
	struct door *door = calloc(1, sizeof(*door));
	int err;

	if (!door)
		return -ENOMEM;
	door->address = *address;
	door->fd = socket(lbd_addr_is4(&address->addr) ? AF_INET : AF_INET6,
			  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = door->fd < 0 ? -errno : door_prepare(door, guests);
	if (!err)
		err = before ? door_listen_beside(door, before) : door_listen(door);
	if (err)
		door_close(door);
	else
		*ret = door;
	return err;
}

void door_close(struct door *door)
{
	if (!door)
		return;
	for (uint32_t i = 0; i < door->connections_count; i++)
		close(door->connections[i].own);
	if (door->fd >= 0)
		close(door->fd);
	free(door);
}

int door_fd(const struct door *door)
{
	return door->fd;
}

const struct addr_endpoint *door_address(const struct door *door)
{
	return &door->address;
}

static void door_shut(struct door *door, struct door_guest *guest, int64_t now_us)
{
	guest->shut_us = now_us + DOOR_SHUT_US;
	door->shutting = true;
	door_filter_set(door);
}

/* --- connections */

static uint64_t door_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) ? 0 : cookie;
}

bool door_is_used(const struct door *door)
{
	return door->connections_count > 0;
}

/* Forget those that ended without a word. */
static void door_sweep(struct door *door)
{
	uint32_t kept = 0;

	door->silent_count = 0;
	for (uint32_t i = 0; i < door->connections_count; i++) {
		if (door_cookie(door->connections[i].fd) != door->connections[i].cookie) {
			close(door->connections[i].own);
			continue;
		}
		door->silent_count += door->connections[i].silent;
		door->connections[kept++] = door->connections[i];
	}
	door->connections_count = kept;
}

static uint32_t door_guest_connections(const struct door *door, const struct lbd_addr *addr)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < door->connections_count; i++)
		count += lbd_addr_equal(&door->connections[i].addr, addr);
	return count;
}

static struct door_connection *door_find_connection(struct door *door, int fd)
{
	for (uint32_t i = 0; i < door->connections_count; i++)
		if (door->connections[i].fd == fd)
			return &door->connections[i];
	return NULL;
}

void door_cut(struct door *door, int fd)
{
	const struct door_connection *connection = door_find_connection(door, fd);

	if (connection)
		shutdown(connection->own, SHUT_RDWR);
}

void door_spoke(struct door *door, int fd)
{
	struct door_connection *connection;

	/* Asked for each message: nothing is to be looked up for the most part. */
	connection = door->silent_count ? door_find_connection(door, fd) : NULL;
	if (!connection || !connection->silent)
		return;
	connection->silent = false;
	door->silent_count--;
}

/* As long as we hold a descriptor, TCP doesn't know that ZeroMQ has closed its own. */
static bool door_is_established(const struct door_connection *connection)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	return !getsockopt(connection->own, IPPROTO_TCP, TCP_INFO, &info, &size) &&
	       info.tcpi_state == TCP_ESTABLISHED;
}

enum door_end door_left(struct door *door, int fd)
{
	struct door_connection *connection = door_find_connection(door, fd);
	enum door_end end = DOOR_END_THEIRS;

	/* It was over before we were told of it, or was one too many. */
	if (!connection)
		return DOOR_END_UNHEARD;
	if (door_is_established(connection))
		end = connection->silent ? DOOR_END_UNHEARD : DOOR_END_BROKEN;
	door->silent_count -= connection->silent;
	close(connection->own);
	*connection = door->connections[--door->connections_count];
	return end;
}

/* Too often in this second? */
static bool door_hurries(struct door_guest *guest, int64_t now_us)
{
	if (now_us - guest->second_us >= DOOR_SECOND_US) {
		guest->second_us = now_us;
		guest->accepted = 0;
	}
	return ++guest->accepted > DOOR_GUEST_RATE;
}

static bool door_has_room(struct door *door, const struct door_connection *connection)
{
	door_sweep(door);
	return door->connections_count < DOOR_CONNECTIONS_MAX &&
	       door_guest_connections(door, &connection->addr) < DOOR_GUEST_CONNECTIONS;
}

/* Fill @ret for @fd, as long as it is the socket that was accepted. */
static int door_identify(int fd, struct door_connection *ret)
{
	struct sockaddr_storage addr;
	socklen_t size = sizeof(addr);

	*ret = (struct door_connection){ .fd = fd, .silent = true };
	ret->own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (ret->own < 0)
		return -errno;
	ret->cookie = door_cookie(ret->own);
	if (ret->cookie && !getpeername(ret->own, (struct sockaddr *)&addr, &size) &&
	    !addr_from_sockaddr(&addr, &ret->addr))
		return 0;
	close(ret->own);
	return -ENOTCONN;
}

void door_accepted(struct door *door, int fd, int64_t now_us, struct refusals *refusals)
{
	struct door_connection connection;
	struct door_guest *guest;

	if (door_identify(fd, &connection))
		return; /* gone already */
	guest = door_find(door->guests, door->guests_count, &connection.addr);
	if (guest && !door_hurries(guest, now_us) && door_has_room(door, &connection)) {
		door->connections[door->connections_count++] = connection;
		door->silent_count++;
		return;
	}
	refusal_count(refusals, guest ? REFUSAL_CROWD : REFUSAL_ADDRESS, 1);
	shutdown(connection.own, SHUT_RDWR);
	close(connection.own);
	if (guest)
		door_shut(door, guest, now_us);
}

/* --- the turn */

static void door_let_in(struct door *door, int64_t now_us)
{
	door->shutting = false;
	for (uint32_t i = 0; i < door->guests_count; i++) {
		struct door_guest *guest = &door->guests[i];

		if (guest->shut_us && now_us >= guest->shut_us)
			guest->shut_us = 0;
		door->shutting |= guest->shut_us != 0;
	}
	door_filter_set(door);
}

/* What the kernel dropped of this socket: SYNs that the filter refused. */
static uint32_t door_drops(const struct door *door)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(door->fd, SOL_SOCKET, SO_MEMINFO, info, &size))
		return door->drops;
	return info[SK_MEMINFO_DROPS];
}

void door_turn(struct door *door, int64_t now_us, struct refusals *refusals)
{
	uint32_t drops = door_drops(door);

	refusal_count(refusals, door->shutting ? REFUSAL_CROWD : REFUSAL_ADDRESS,
		      drops - door->drops);
	door->drops = drops;
	if (door->shutting)
		door_let_in(door, now_us);
	if (now_us - door->swept_us >= DOOR_SECOND_US) {
		door->swept_us = now_us;
		door_sweep(door);
	}
}
