// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/bench/child.h"

#define PORT 80
#define CLIENT "198.18.0.2"
#define VIP "192.0.2.1"
#define FIRST_FLOW 20000 /* source port of the first UDP flow */
#define MESSAGE 100	 /* bytes of a request, and of an answer */
#define PATIENCE_S 2

/* --- servers */

static void load_serve_tcp(int listener)
{
	char message[MESSAGE];

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		if (recv(fd, message, sizeof(message), MSG_WAITALL) == sizeof(message))
			send(fd, message, sizeof(message), MSG_NOSIGNAL);
		close(fd);
	}
}

/* Answer from the address that was asked: the sender's control message names it. */
static void load_serve_udp(int fd)
{
	char message[MESSAGE], control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct iovec data = { message, sizeof(message) };
	struct sockaddr_in client;

	for (;;) {
		struct msghdr header = { .msg_name = &client,
					 .msg_namelen = sizeof(client),
					 .msg_iov = &data,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control) };
		struct in_pktinfo *info;

		if (recvmsg(fd, &header, 0) != sizeof(message) || !CMSG_FIRSTHDR(&header))
			continue;
		info = (struct in_pktinfo *)CMSG_DATA(CMSG_FIRSTHDR(&header));
		info->ipi_ifindex = 0;
		info->ipi_spec_dst = info->ipi_addr;
		sendmsg(fd, &header, 0);
	}
}

static int load_listen(enum load_protocol protocol)
{
	const int type = protocol == LOAD_TCP ? SOCK_STREAM : SOCK_DGRAM, on = 1;
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) ||
	    (protocol == LOAD_TCP ? listen(fd, 4 * LOAD_BATCH)
				  : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)))) {
		const int problem = -errno;

		close(fd);
		return problem;
	}
	return fd;
}

static int load_start(struct load *load, enum load_protocol protocol, struct error *err)
{
	int fd = load_listen(protocol);
	pid_t pid;

	if (fd < 0)
		return error_errno(err, fd, "a server for the load");
	pid = child_fork();
	if (!pid) {
		if (protocol == LOAD_TCP)
			load_serve_tcp(fd);
		else
			load_serve_udp(fd);
	}
	close(fd);
	if (pid < 0)
		return error_errno(err, (int)pid, "fork");
	load->servers[protocol] = pid;
	return 0;
}

int load_open(struct load *load, const struct hosts *hosts, struct error *err)
{
	int rc;

	load->hosts = hosts;
	rc = hosts_enter(hosts, HOST_BACKEND, err);
	for (int i = 0; i < LOAD_PROTOCOLS && !rc; i++)
		rc = load_start(load, i, err);
	return rc;
}

void load_close(struct load *load)
{
	for (int i = 0; i < LOAD_PROTOCOLS; i++)
		child_end(load->servers[i]);
}

/* --- client */

static struct sockaddr_in load_address(const char *text, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &address.sin_addr);
	return address;
}

/* A socket that is connected, or about to be. @port: to come from; 0: any. */
static int load_connect(int type, uint16_t port, const struct sockaddr_in *to)
{
	const struct sockaddr_in from = load_address(CLIENT, port);
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const int on = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (!port)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) ||
	    (connect(fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS) ||
	    fcntl(fd, F_SETFL, 0)) {
		const int problem = -errno;

		close(fd);
		return problem;
	}
	return fd;
}

static int load_connect_batch(int type, uint16_t first_port, int *fds)
{
	const struct sockaddr_in to = load_address(VIP, PORT);
	int rc = 0;

	for (int i = 0; i < LOAD_BATCH; i++)
		fds[i] = -1;
	for (int i = 0; i < LOAD_BATCH && rc >= 0; i++)
		rc = fds[i] = load_connect(type, first_port ? (uint16_t)(first_port + i) : 0, &to);
	return rc < 0 ? rc : 0;
}

static void load_close_batch(const int *fds)
{
	for (int i = 0; i < LOAD_BATCH; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* A send waits until its connection is made. */
static int load_exchange(const int *fds)
{
	char message[MESSAGE] = { 0 };

	for (int i = 0; i < LOAD_BATCH; i++)
		if (send(fds[i], message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
			return -errno;
	for (int i = 0; i < LOAD_BATCH; i++)
		if (recv(fds[i], message, sizeof(message), MSG_WAITALL) != sizeof(message))
			return errno ? -errno : -ECONNRESET;
	return 0;
}

/* The server closes first: the end of its stream comes before ours. */
static int load_run_tcp(uint32_t batches)
{
	int fds[LOAD_BATCH], rc = 0;
	char more;

	for (uint32_t i = 0; i < batches && !rc; i++) {
		rc = load_connect_batch(SOCK_STREAM, 0, fds);
		if (!rc)
			rc = load_exchange(fds);
		for (int j = 0; j < LOAD_BATCH && !rc; j++)
			rc = recv(fds[j], &more, sizeof(more), 0) ? -EPROTO : 0;
		load_close_batch(fds);
	}
	return rc;
}

static int load_run_udp(uint32_t batches)
{
	int fds[LOAD_BATCH], rc;

	rc = load_connect_batch(SOCK_DGRAM, FIRST_FLOW, fds);
	for (uint32_t i = 0; i < batches && !rc; i++)
		rc = load_exchange(fds);
	load_close_batch(fds);
	return rc;
}

int load_run(const struct load *load, enum load_protocol protocol, uint32_t exchanges,
	     struct error *err)
{
	const uint32_t batches = exchanges / LOAD_BATCH;
	int rc = hosts_enter(load->hosts, HOST_CLIENT, err);

	if (rc)
		return rc;
	errno = 0;
	rc = protocol == LOAD_TCP ? load_run_tcp(batches) : load_run_udp(batches);
	return rc ? error_errno(err, rc, "%s load", protocol == LOAD_TCP ? "TCP" : "UDP") : 0;
}
