// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The check by TCP: the backend is healthy if it accepts a connection within
 * the timeout. Nothing is sent, and the connection is reset: an orderly close
 * would leave a socket in TIME_WAIT here for each check (RFC 9293, 3.6.1).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/monotonic.h"
#include "health/kind.h"

struct tcp_check {
	int fd;
	int error; /* of an immediate connect, 0 while it is under way */
	uint32_t timeout_ms;
	int64_t started_ns;
	struct event *event;
	health_done done;
	void *context;
};

static void tcp_cancel(void *context)
{
	struct tcp_check *check = context;

	if (check->event)
		event_free(check->event);
	if (check->fd >= 0)
		close(check->fd);
	free(check);
}

/* Shortages of this host would otherwise take every backend down at once. */
static bool tcp_is_own_fault(int error)
{
	static const int own[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i] == error)
			return true;
	return false;
}

static void tcp_explain(int error, uint32_t timeout_ms, struct health_result *ret)
{
	if (error == ETIMEDOUT)
		snprintf(ret->reason, sizeof(ret->reason), "timeout after %u ms", timeout_ms);
	else
		snprintf(ret->reason, sizeof(ret->reason), "%s", strerror(error));
	ret->reason[0] = (char)tolower((unsigned char)ret->reason[0]);
}

static void tcp_finish(struct tcp_check *check, int error)
{
	struct health_result result = { .answer = HEALTH_OK };
	health_done done = check->done;
	void *context = check->context;

	if (error) {
		result.answer = tcp_is_own_fault(error) ? HEALTH_NO_ANSWER : HEALTH_FAILED;
		tcp_explain(error, check->timeout_ms, &result);
	} else {
		result.latency_us = (uint32_t)((monotonic_ns() - check->started_ns) / 1000);
	}
	tcp_cancel(check);
	done(context, &result);
}

static int tcp_socket_error(int fd)
{
	socklen_t size = sizeof(int);
	int error = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ? errno : error;
}

static void tcp_on_event(evutil_socket_t fd, short what, void *context)
{
	struct tcp_check *check = context;

	if (check->error)
		tcp_finish(check, check->error);
	else if (what & EV_TIMEOUT)
		tcp_finish(check, ETIMEDOUT);
	else
		tcp_finish(check, tcp_socket_error(fd));
}

static int tcp_connect(const struct health_target *target, int *ret_fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage to;
	socklen_t length = addr_to_sockaddr(&target->addr, htons(target->port), &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*ret_fd = fd;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		return errno;
	if (!connect(fd, (const struct sockaddr *)&to, length) || errno == EINPROGRESS)
		return 0;
	return errno;
}

static int tcp_arm(struct tcp_check *check, struct event_base *base)
{
	const struct timeval now = { 0 };
	const struct timeval limit = { .tv_sec = check->timeout_ms / 1000,
				       .tv_usec = check->timeout_ms % 1000 * 1000 };

	if (check->error)
		check->event = evtimer_new(base, tcp_on_event, check);
	else
		check->event = event_new(base, check->fd, EV_WRITE, tcp_on_event, check);
	if (!check->event || event_add(check->event, check->error ? &now : &limit))
		return -ENOMEM;
	return 0;
}

static int tcp_start(struct event_base *base, const struct health_target *target, health_done done,
		     void *context, void **ret_check)
{
	struct tcp_check *check = calloc(1, sizeof(*check));

	if (!check)
		return -ENOMEM;
	check->done = done;
	check->context = context;
	check->timeout_ms = target->config.timeout_ms;
	check->started_ns = monotonic_ns();
	check->error = tcp_connect(target, &check->fd);
	if (tcp_arm(check, base)) {
		tcp_cancel(check);
		return -ENOMEM;
	}
	*ret_check = check;
	return 0;
}

const struct health_kind health_tcp = {
	.name = "tcp",
	.start = tcp_start,
	.cancel = tcp_cancel,
};
