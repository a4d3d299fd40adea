// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server: TCP and UDP on one port of every address, both families. It
 * keeps no state about its clients, so that it can't hide a mistake.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/tools/talk/talk.h"

#define SERVER_BATCH 64

struct server {
	char name[TALK_NAME_MAX];
	struct sockaddr_in6 any;
	int udp;
};

/* One batch of datagrams on their way in and out again. */
struct server_batch {
	struct mmsghdr messages[SERVER_BATCH];
	struct iovec places[SERVER_BATCH];
	struct sockaddr_in6 clients[SERVER_BATCH];
	char controls[SERVER_BATCH][CMSG_SPACE(sizeof(struct in6_pktinfo))];
	char buffers[SERVER_BATCH][TALK_SIZE_MAX];
};

static void server_sign(const struct server *server, struct talk_record *record)
{
	memcpy(record->server, server->name, sizeof(record->server));
}

/* Answer one message if it has arrived whole. False: not yet, or it isn't one. */
static bool server_answer(const struct server *server, struct evbuffer *in, struct evbuffer *out)
{
	struct talk_record record;

	if (evbuffer_copyout(in, &record, sizeof(record)) < (ev_ssize_t)sizeof(record))
		return false;
	if (record.size < sizeof(record) || record.size > TALK_SIZE_MAX ||
	    evbuffer_get_length(in) < record.size)
		return false;
	server_sign(server, &record);
	evbuffer_drain(in, sizeof(record));
	evbuffer_add(out, &record, sizeof(record));
	evbuffer_remove_buffer(in, out, record.size - sizeof(record));
	return true;
}

static void server_read(struct bufferevent *bev, void *context)
{
	while (server_answer(context, bufferevent_get_input(bev), bufferevent_get_output(bev)))
		;
}

static void server_event(struct bufferevent *bev, short what, void *context)
{
	(void)context;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		bufferevent_free(bev);
}

static void server_accept(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int length, void *context)
{
	struct event_base *base = evconnlistener_get_base(listener);
	struct bufferevent *bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	int on = 1;

	(void)address;
	(void)length;
	if (!bev) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bufferevent_setcb(bev, server_read, NULL, server_event, context);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void server_batch_reset(struct server_batch *batch)
{
	for (int i = 0; i < SERVER_BATCH; i++) {
		batch->places[i] = (struct iovec){ batch->buffers[i], TALK_SIZE_MAX };
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->clients[i],
			.msg_namelen = sizeof(batch->clients[i]),
			.msg_iov = &batch->places[i],
			.msg_iovlen = 1,
			.msg_control = batch->controls[i],
			.msg_controllen = sizeof(batch->controls[i]),
		};
	}
}

/*
 * Make the message that came ready to go back. The control data is left as it
 * came: IPV6_PKTINFO then names the source, so that the answer leaves from the
 * VIP that was asked. The interface must not be kept: it is lo's, or a tunnel's.
 */
static void server_turn(const struct server *server, struct mmsghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(&message->msg_hdr);

	message->msg_hdr.msg_iov->iov_len = message->msg_len;
	if (message->msg_len >= sizeof(struct talk_record))
		server_sign(server, message->msg_hdr.msg_iov->iov_base);
	if (control && control->cmsg_type == IPV6_PKTINFO)
		((struct in6_pktinfo *)CMSG_DATA(control))->ipi6_ifindex = 0;
}

static void server_datagrams(evutil_socket_t fd, short what, void *context)
{
	static struct server_batch batch;
	int count, sent = 0, more;

	(void)what;
	server_batch_reset(&batch);
	count = recvmmsg(fd, batch.messages, SERVER_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++)
		server_turn(context, &batch.messages[i]);
	while (sent < count) {
		more = sendmmsg(fd, batch.messages + sent, (unsigned int)(count - sent), 0);
		sent += more > 0 ? more : 1;
	}
}

static int server_open_udp(struct server *server)
{
	int on = 1, off = 0;

	server->udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (server->udp < 0)
		return -errno;
	setsockopt(server->udp, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(server->udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	talk_enlarge_buffers(server->udp);
	if (bind(server->udp, (struct sockaddr *)&server->any, sizeof(server->any)))
		return -errno;
	return 0;
}

static int server_run(struct server *server)
{
	struct event_base *base = event_base_new();
	struct evconnlistener *listener;
	struct event *datagrams;

	if (server_open_udp(server)) {
		perror("talk server: udp");
		return 1;
	}
	listener = evconnlistener_new_bind(base, server_accept, server,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 4096,
					   (struct sockaddr *)&server->any, sizeof(server->any));
	datagrams = event_new(base, server->udp, EV_READ | EV_PERSIST, server_datagrams, server);
	if (!listener || !datagrams || event_add(datagrams, NULL)) {
		perror("talk server: tcp");
		return 1;
	}
	return event_base_dispatch(base) ? 1 : 0;
}

int server_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "port", required_argument, NULL, 'p' },
		{ 0 },
	};
	struct server server = { .name = "server", .any = { .sin6_family = AF_INET6 } };
	int option;

	server.any.sin6_port = htons(7000);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			snprintf(server.name, sizeof(server.name), "%s", optarg);
		else if (option == 'p')
			server.any.sin6_port = htons((uint16_t)talk_number("port", optarg, 65535));
		else
			return 2;
	}
	return server_run(&server);
}
