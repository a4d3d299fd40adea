// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define RTNL_ANSWER_MS 500
#define RTNL_STRAY_MAX 16 /* late answers to requests that were given up */

/* A link with many virtual functions needs more than the usual 8 KiB. */
#define RTNL_BUFFER_SIZE 32768
#define RTNL_EVENT_QUEUE (4 * 1024 * 1024)

struct rtnl {
	struct mnl_socket *socket;
	uint32_t sequence;
	union {
		struct nlmsghdr header;
		char buffer[RTNL_BUFFER_SIZE];
	};
};

static int rtnl_join(struct rtnl *rtnl, const unsigned int *groups, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int group = (int)groups[i];

		if (mnl_socket_setsockopt(rtnl->socket, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)))
			return -errno;
	}
	return 0;
}

/* Both are best effort: without them a storm of events ends in a full re-read earlier. */
static void rtnl_tune(const struct rtnl *rtnl)
{
	const struct timeval answer = { .tv_usec = RTNL_ANSWER_MS * 1000 };
	const int queue = RTNL_EVENT_QUEUE;
	int fd = rtnl_fd(rtnl);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof(answer));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue));
}

int rtnl_open(const unsigned int *groups, size_t count, struct rtnl **ret, struct error *err)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int rc;

	if (!rtnl)
		return error_set(err, -ENOMEM, "rtnetlink: no memory");
	rtnl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | (count ? SOCK_NONBLOCK : 0));
	if (!rtnl->socket || mnl_socket_bind(rtnl->socket, 0, MNL_SOCKET_AUTOPID)) {
		rc = error_errno(err, -errno, "rtnetlink socket");
		goto fail;
	}
	rtnl_tune(rtnl);
	rc = rtnl_join(rtnl, groups, count);
	if (rc) {
		error_errno(err, rc, "rtnetlink groups");
		goto fail;
	}
	*ret = rtnl;
	return 0;
fail:
	rtnl_close(rtnl);
	return rc;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	if (rtnl->socket)
		mnl_socket_close(rtnl->socket);
	free(rtnl);
}

int rtnl_fd(const struct rtnl *rtnl)
{
	return mnl_socket_get_fd(rtnl->socket);
}

static int rtnl_error(const struct nlmsghdr *reply)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(reply);

	if (reply->nlmsg_type != NLMSG_ERROR)
		return 0;
	return mnl_nlmsg_get_payload_len(reply) < sizeof(*answer) ? -EBADMSG : answer->error;
}

static bool rtnl_is_answer(const struct rtnl *rtnl, ssize_t got)
{
	return mnl_nlmsg_ok(&rtnl->header, (int)got) &&
	       mnl_nlmsg_seq_ok(&rtnl->header, rtnl->sequence) &&
	       mnl_nlmsg_portid_ok(&rtnl->header, mnl_socket_get_portid(rtnl->socket));
}

static int rtnl_receive(struct rtnl *rtnl)
{
	for (int strays = 0; strays < RTNL_STRAY_MAX; strays++) {
		ssize_t got = mnl_socket_recvfrom(rtnl->socket, rtnl->buffer, sizeof(rtnl->buffer));

		if (got < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got > 0 && rtnl_is_answer(rtnl, got))
			return rtnl_error(&rtnl->header);
	}
	return -ETIMEDOUT;
}

int rtnl_ask(struct rtnl *rtnl, struct rtnl_request *request, const struct nlmsghdr **ret_reply)
{
	request->header.nlmsg_seq = ++rtnl->sequence;
	if (mnl_socket_sendto(rtnl->socket, request, request->header.nlmsg_len) < 0)
		return -errno;
	if (ret_reply)
		*ret_reply = &rtnl->header;
	return rtnl_receive(rtnl);
}

int rtnl_events(struct rtnl *rtnl, void (*visit)(void *context, const struct nlmsghdr *),
		void *context)
{
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(rtnl->socket, rtnl->buffer, sizeof(rtnl->buffer));
		const struct nlmsghdr *message = &rtnl->header;
		int left = (int)got;

		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			visit(context, message);
	}
}

void *rtnl_begin(struct rtnl_request *request, uint16_t type, uint16_t flags, size_t size)
{
	struct nlmsghdr *header;

	memset(request, 0, sizeof(*request));
	header = mnl_nlmsg_put_header(request);
	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(header, size);
}

void rtnl_put_addr(struct rtnl_request *request, uint16_t type, const struct lbd_addr *addr)
{
	if (lbd_addr_is4(addr))
		mnl_attr_put(&request->header, type, 4, &addr->words[3]);
	else
		mnl_attr_put(&request->header, type, 16, addr->bytes);
}

uint8_t rtnl_family(const struct lbd_addr *addr)
{
	return lbd_addr_is4(addr) ? AF_INET : AF_INET6;
}

struct rtnl_table {
	const struct nlattr **slots;
	uint16_t max;
};

static int rtnl_collect(const struct nlattr *attr, void *context)
{
	const struct rtnl_table *table = context;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= table->max)
		table->slots[type] = attr;
	return MNL_CB_OK;
}

const void *rtnl_attrs(const struct nlmsghdr *message, size_t size, const struct nlattr **table,
		       uint16_t max)
{
	struct rtnl_table collected = { table, max };
	size_t length = mnl_nlmsg_get_payload_len(message);

	memset(table, 0, (max + 1U) * sizeof(*table));
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN || length < MNL_ALIGN(size))
		return NULL;
	mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, size),
			       length - MNL_ALIGN(size), rtnl_collect, &collected);
	return mnl_nlmsg_get_payload(message);
}

void rtnl_nested(const struct nlattr *nest, const struct nlattr **table, uint16_t max)
{
	struct rtnl_table collected = { table, max };

	memset(table, 0, (max + 1U) * sizeof(*table));
	if (nest)
		mnl_attr_parse_nested(nest, rtnl_collect, &collected);
}

bool rtnl_get_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return false;
	*ret = mnl_attr_get_u32(attr);
	return true;
}

bool rtnl_get_mac(const struct nlattr *attr, uint8_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) != 6)
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), 6);
	return true;
}

bool rtnl_addr(uint8_t family, const void *bytes, size_t length, struct lbd_addr *ret)
{
	__be32 v4;

	if (family == AF_INET && length == sizeof(v4)) {
		memcpy(&v4, bytes, sizeof(v4));
		*ret = lbd_addr_from4(v4);
		return true;
	}
	if (family != AF_INET6 || length != sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, bytes, sizeof(ret->bytes));
	return true;
}

bool rtnl_get_addr(uint8_t family, const struct nlattr *attr, struct lbd_addr *ret)
{
	return attr &&
	       rtnl_addr(family, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), ret);
}
